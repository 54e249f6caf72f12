"""Training steps of presets, side by side with another checkout and with PyTorch, in one run.

    python benchmarks/step.py [--models vae,acgan] [--width 1] [--beside CHECKOUT] [--torch PYTHON]

Each side is a process of its own that stays warm. The sides take turns, block by block, so that all of them meet the
same noise of the machine, and a ratio is the median of the ratios of the blocks. Pictures are random: a step costs the
same on any pictures.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
MODELS = "dlcv2018/vae,dlcv2018/gan,dlcv2018/acgan,dlcv2018/infogan,dlcv2018/wgan_gp,sullivan2017/depth_wgan"
SIDE = 64  # of the pictures, in pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=MODELS, help="names of presets, as study/model")
    parser.add_argument("--width", type=float, default=1.0, help="multiplier of all channels")
    parser.add_argument("--batch_size", type=int, default=64, help="pictures per batch")
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--beside", type=pathlib.Path, help="another checkout of tfgen, for example of an older commit")
    parser.add_argument("--torch", help="a Python interpreter with PyTorch, for benchmarks/peer_torch.py")
    parser.add_argument("--blocks", type=int, default=7, help="blocks per side")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a block")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        serve(TensorFlowStep)
        return
    print(f"{'model':24s} {'side':13s} {'ms':>6s} {'images/s':>8s} {'ratio':>5s}  step, memory, first step")
    for name in arguments.models.split(","):
        compare(name, arguments)


def compare(name: str, arguments: argparse.Namespace) -> None:
    """Measures one preset on all sides and prints a row for each."""
    study, model = name.split("/")
    task = {"study": study, "model": model, "width": arguments.width, "batch_size": arguments.batch_size}
    task |= {"precision": arguments.precision, "compile": False}
    sides = {"tfgen": Side([sys.executable, HERE / "step.py"], HERE.parent, task)}
    if arguments.beside:
        sides["beside"] = Side([sys.executable, HERE / "step.py"], arguments.beside.resolve(), task)
    for label, side in sides.items():
        if side.error:
            raise SystemExit(f"{name}: {label}: {side.error}")
    if arguments.torch:
        for compiled in (False, True):
            side = Side([arguments.torch, HERE / "peer_torch.py"], HERE, task | {"compile": compiled})
            if side.about:
                sides["torch.compile" if compiled else "torch"] = side
            else:
                print(f"{name:24s} torch.compile: {side.error}")
    ours = sides["tfgen"]
    for label, side in sides.items():
        if label.startswith("torch") and side.about["parameters"] != ours.about["parameters"]:
            raise SystemExit(f"{name}: {label} has other networks: {side.about['parameters']}")
    count = {label: max(1, round(arguments.seconds / side.about["seconds"])) for label, side in sides.items()}
    times: dict[str, list[float]] = {label: [] for label in sides}
    for _ in range(arguments.blocks):
        for label, side in sides.items():
            times[label].append(side.run(count[label]))
    rate = ours.ask({"matmul": True})["rate"]
    for label, side in sides.items():
        seconds = statistics.median(times[label])
        ratio = statistics.median(a / b for a, b in zip(times["tfgen"], times[label], strict=True))
        more = f"{side.close() / 2**20:5.0f} MiB, {side.about['first']:.1f} s"
        if label == "tfgen":
            share = ours.about["flops"] / seconds / rate
            more += f", {ours.about['flops'] / 1e9:.1f} GFLOP, {share:.0%} of {rate / 1e9:.0f} GFLOP/s"
        images = ours.about["images"] / seconds
        print(f"{name:24s} {label:13s} {seconds * 1e3:6.0f} {images:8.0f} {ratio:5.2f}  {more}", flush=True)


class Side:
    """A process that runs training steps when it is asked to."""

    def __init__(self, command: list, checkout: pathlib.Path, task: dict):
        environment = os.environ | {"PYTHONPATH": str(checkout), "BEGAN": str(time.time())}
        self.process = subprocess.Popen(
            [*map(str, command), "--worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=checkout,
            text=True,
        )
        self.about = self.ask(task)
        self.error = self.about.pop("error", "")

    def ask(self, question: dict) -> dict:
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        return json.loads(answer) if answer else {"error": "the process ended"}

    def run(self, steps: int) -> float:
        """Seconds per step."""
        return self.ask({"steps": steps})["seconds"]

    def close(self) -> float:
        """Ends the process. Returns its peak memory in bytes."""
        peak = self.ask({"peak": True})["peak"]
        self.process.stdin.close()
        self.process.wait()
        return peak


def serve(make: type) -> None:
    """The worker's side: reads a task and then numbers of steps from stdin, and answers in lines of JSON."""
    answers, sys.stdout = sys.stdout, sys.stderr

    def answer(value: dict) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    step = make(json.loads(sys.stdin.readline()))
    try:
        step()
        first = time.time() - float(os.environ["BEGAN"])
        for _ in range(3):
            step()
        answer(step.about() | {"first": first, "seconds": seconds(step, 3)})
    except Exception as error:  # torch.compile of second derivatives, for one
        answer({"error": " ".join(str(error).split())[-300:]})
        return
    for line in sys.stdin:
        question = json.loads(line)
        if "steps" in question:
            answer({"seconds": seconds(step, question["steps"])})
        elif "matmul" in question:
            answer({"rate": step.matmul_rate()})
        else:
            answer({"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024})


def seconds(step, n: int) -> float:
    """Seconds per step; each step's logs are read, as in training."""
    began = time.perf_counter()
    for _ in range(n):
        step()
    return (time.perf_counter() - began) / n


class TensorFlowStep:
    """A compiled training step of a preset of the package that is first on the path."""

    def __init__(self, task: dict):
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        from tfgen.studies import STUDIES  # before TensorFlow, which reads what tfgen sets

        # isort: split
        import keras
        import tensorflow as tf

        if task["precision"] != "float32":
            keras.mixed_precision.set_global_policy(f"mixed_{task['precision']}")
        keras.utils.set_random_seed(0)
        preset = STUDIES[task["study"]][task["model"]]
        self.model = preset.build((SIDE, SIDE, 3), width=task["width"])
        # Before tfgen 0.2, all critic steps of an iteration used one batch.
        self.images = task["batch_size"] * getattr(self.model, "batches_per_step", 1)
        shape = (self.images, SIDE, SIDE)
        batch = {
            "image": tf.random.stateless_uniform((*shape, 3), (0, 0)),
            "attributes": tf.cast(tf.random.stateless_uniform((self.images, 1), (0, 1)) > 0.5, tf.float32),
            "depth": tf.random.stateless_uniform((*shape, 1), (0, 2)),
            "mask": tf.ones((*shape, 1)),
        }
        self.done = 0

        @tf.function
        def train_step(step):
            key = tf.stack([tf.constant(0, tf.int64), step])
            return self.model.train_step(batch | {"key": tf.tile(key[None], (self.images, 1))})

        self.function = train_step

    def __call__(self) -> None:
        import tensorflow as tf

        self.done += 1
        for value in self.function(tf.constant(self.done, tf.int64)).values():
            value.numpy()

    def about(self) -> dict:
        import tensorflow as tf

        parameters = sum(self.model.parameters().values())
        return {
            "parameters": parameters,
            "images": self.images,
            "flops": flops(self.function, tf.constant(0, tf.int64)),
        }

    def matmul_rate(self) -> float:
        """Floating-point operations per second in products of matrices of 2,048 rows and columns, the best of 10."""
        import tensorflow as tf

        n = 2048
        a = tf.random.stateless_uniform((n, n), (0, 0))
        times = []
        for _ in range(10):
            began = time.perf_counter()
            tf.linalg.matmul(a, a).numpy()
            times.append(time.perf_counter() - began)
        return 2 * n**3 / min(times)


def flops(function, *arguments) -> float:
    """Multiplications and additions of the convolutions and matrix products that a traced function needs."""
    graph = function.get_concrete_function(*arguments).graph
    kept, todo = set(), [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    while todo:  # the trace also has gradients that nothing uses, and TensorFlow removes these
        operation = todo.pop()
        if operation.name not in kept:
            kept.add(operation.name)
            todo += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
    return float(sum(_flops(operation) for operation in graph.get_operations() if operation.name in kept))


def _flops(operation) -> int:
    def size(shape) -> int:
        product = 1
        for n in shape:
            product *= n
        return product

    inputs = [tensor.shape for tensor in operation.inputs]
    output = operation.outputs[0].shape if operation.outputs else None
    if operation.type == "MatMul":
        inner = inputs[0][0 if operation.get_attr("transpose_a") else 1]
        return 2 * size(output) * inner
    # Each value of the smaller map is connected to one kernel's worth of values of the larger map.
    if operation.type == "Conv2D":
        return 2 * size(output[:3]) * size(inputs[1])
    if operation.type == "Conv2DBackpropInput":
        return 2 * size(inputs[2][:3]) * size(inputs[1])
    if operation.type == "Conv2DBackpropFilter":
        return 2 * size(inputs[2][:3]) * size(output)
    return 0


if __name__ == "__main__":
    main()
