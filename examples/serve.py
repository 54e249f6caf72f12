"""Serves an exported model over HTTP: /sample?n=16&seed=3 is a PNG with generated pictures, /reconstruct takes one.

    pip install starlette uvicorn
    python examples/serve.py runs/acgan-faces/exports/model --port 8000

It needs TensorFlow, but not tfgen.
"""

import argparse
import io

import numpy as np
import tensorflow as tf
import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

MOST = 256  # pictures in one answer


def application(model) -> Starlette:
    """The web application of a SavedModel that `tfgen_cli.py export` wrote."""

    async def sample(request: Request) -> Response:
        try:
            n, seed = (int(request.query_params.get(name, default)) for name, default in (("n", 1), ("seed", 0)))
        except ValueError:
            return PlainTextResponse("n and seed must be integers", 400)
        if not 1 <= n <= MOST or not 0 <= seed < 2**31:
            return PlainTextResponse(f"n must be from 1 to {MOST}, and seed from 0 to {2**31 - 1}", 400)
        return await run_in_threadpool(lambda: png(model.sample_uint8(n, seed).numpy()))

    async def reconstruct(request: Request) -> Response:
        height, width, channels = model.signatures["reconstruct"].structured_input_signature[1]["image"].shape[1:]
        try:
            with Image.open(io.BytesIO(await request.body())) as picture:
                picture = picture.convert("RGB" if channels == 3 else "L").resize((width, height))
        except (OSError, SyntaxError):
            return PlainTextResponse("the body must be a picture", 400)
        image = np.asarray(picture, np.uint8).reshape(1, height, width, channels)
        return await run_in_threadpool(lambda: png(model.reconstruct_uint8(image).numpy()))

    routes = [Route("/sample", sample)] if hasattr(model, "sample_uint8") else []
    routes += [Route("/reconstruct", reconstruct, methods=["POST"])] if hasattr(model, "reconstruct_uint8") else []
    return Starlette(routes=routes)


def png(images: np.ndarray) -> Response:
    """Pictures (n, H, W, C) uint8 side by side."""
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate([*images], axis=1).squeeze()).save(buffer, "PNG")
    return Response(buffer.getvalue(), media_type="image/png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder of the SavedModel `model` of an export")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    chosen = parser.parse_args()
    uvicorn.run(application(tf.saved_model.load(chosen.model)), host=chosen.host, port=chosen.port)
