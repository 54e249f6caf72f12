"""Speed and memory of the input pipeline: python benchmarks/data.py [FOLDER of JPEGs]

Without a folder, the JPEGs are built-in faces of 178x218 pixels, CelebA's size. Speeds are per second of CPU
time, which other processes hardly affect, and medians over rounds.
"""

import io
import os
import pathlib
import resource
import statistics
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from PIL import Image

from tfgen.data.batches import batches
from tfgen.data.builtin import faces
from tfgen.data.readers import celeba
from tfgen.data.source import Source
from tfgen.studies import find

ROUNDS = 7


def jpegs():
    """200 faces of 178x218 as JPEG bytes."""
    encoded = []
    for image in faces.paint(0, 200, image_size=256)[0]:
        Image.fromarray(image[19:237, 39:217]).save(buffer := io.BytesIO(), "JPEG", quality=90)
        encoded.append(buffer.getvalue())
    return encoded


def decoding(paths):
    """Pictures per second: decoding by Pillow, and decoding, cropping and resizing by tfgen."""

    def pillow(path):
        with Image.open(path) as picture:
            picture.load()

    seconds = {"pillow": [], "tfgen": []}
    for _ in range(ROUNDS):
        for name, read in (("pillow", pillow), ("tfgen", lambda path: celeba.read_aligned(path, 64, 178))):
            began = time.process_time()
            for path in paths:
                read(path)
            seconds[name].append(time.process_time() - began)
    pillow, tfgen = (len(paths) / statistics.median(seconds[name]) for name in ("pillow", "tfgen"))
    print(
        f"JPEG 178x218: Pillow's decoding alone {pillow:.0f}/s, decode-crop-resize to 64x64 {tfgen:.0f}/s, "
        f"{tfgen / pillow:.2f} of it"
    )


def gathering(source):
    """Pictures per second in batches of 64."""
    rates = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in batches(source, 64, stop=300):
            pass
        rates.append(300 * 64 / (time.process_time() - began))
    print(f"batches of 64 pictures of 64x64x3 from memory: {statistics.median(rates):.0f} pictures/s per core")


def steps(source):
    """A training step on new batches compared with the same step on a constant batch."""
    model = find("dlcv2018", "gan").build((64, 64, 3), width=0.5)
    fixed = next(iter(batches(source, 64)))
    feeds = {
        "fresh": lambda: batches(source, 64, stop=20),
        "constant": lambda: tf.data.Dataset.from_tensors(fixed).repeat(20),
    }
    seconds = {name: [] for name in feeds}
    for _ in range(ROUNDS + 1):
        for name, feed in feeds.items():
            dataset, began = feed(), time.process_time()
            model.fit(dataset, epochs=1, verbose=0, shuffle=False)
            seconds[name].append((time.process_time() - began) / 20)
    fresh, constant = (statistics.median(seconds[name][1:]) for name in ("fresh", "constant"))  # the first round traces
    print(
        f"a step of dlcv2018's gan, width 1/2: {fresh:.4f} s on fresh batches, {constant:.4f} s on one batch, "
        f"{fresh / constant - 1:+.1%} (processor time)"
    )


def memory(n):
    """Memory in megabytes that n pictures and batches of them take, compared with the size of their pixels."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    source = Source(
        "random", np.random.default_rng(0).integers(0, 256, (n, 64, 64, 3), np.uint8), np.zeros((n, 0), np.uint8)
    )
    for _ in batches(source, 64, stop=300):
        pass
    after, own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, source.nbytes / 2**20
    print(f"{n} pictures of 64x64x3: {own:.0f} MB of pixels, the process grew by {(after - before) / 1024:.0f} MB")


with tempfile.TemporaryDirectory() as temporary:
    if len(sys.argv) > 1:
        paths = sorted(pathlib.Path(sys.argv[1]).rglob("*.jpg"))
    else:
        encoded = jpegs()
        paths = [pathlib.Path(temporary) / f"{i}.jpg" for i in range(len(encoded))]
        for path, content in zip(paths, encoded):
            path.write_bytes(content)
    decoding(paths)
small = Source(
    "random", np.random.default_rng(0).integers(0, 256, (5_000, 64, 64, 3), np.uint8), np.zeros((5_000, 0), np.uint8)
)
gathering(small)
steps(small)
memory(100_000)
