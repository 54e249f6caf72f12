"""Where a run is trained: on one device, several devices of one machine, or several machines."""

import json
import os
from typing import Any

import tensorflow as tf

from tfgen import UserError, program
from tfgen.data import batches
from tfgen.data.source import Source


def strategy(devices: int | str | None = None, alone: bool = False) -> tf.distribute.Strategy:
    """The tf.distribute.Strategy to train under; to be called before TensorFlow touches a device, and once in a
    process.

    Args:
        devices: number of devices of this machine, or "all". Without a GPU, N are N logical devices of the processor.
            None takes all GPUs.
        alone: whether not to wait for other machines, because nothing will be trained.

    Raises:
        UserError: for more devices than there are, and for a TF_CONFIG that cannot be read.
    """
    if os.environ.get("TF_CONFIG") and not alone:
        if devices not in (None, "all"):
            raise UserError("--devices is for one machine, and TF_CONFIG names several: leave out one of the two.")
        return _of_machines()
    gpus = tf.config.list_physical_devices("GPU")
    count = max(1, len(gpus)) if devices is None or devices == "all" else int(devices)
    if count == 1:
        return tf.distribute.get_strategy()
    if gpus and count > len(gpus):
        raise UserError(f"--devices {count} is more than the {len(gpus)} GPUs of this machine.")
    if not gpus:
        parts = [tf.config.LogicalDeviceConfiguration() for _ in range(count)]
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    kind = "GPU" if gpus else "CPU"
    return tf.distribute.MirroredStrategy([f"{kind}:{i}" for i in range(count)])


def _of_machines() -> tf.distribute.Strategy:
    try:
        config = json.loads(os.environ["TF_CONFIG"])
        task, index = config["task"]["type"], int(config["task"]["index"])
        known = task in ("chief", "worker") and 0 <= index < len(config["cluster"][task])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"TF_CONFIG cannot be read ({error!r}): expected {EXAMPLE}") from None
    if not known:
        raise UserError(f"TF_CONFIG names the task {task} {index}, which its cluster lacks: expected {EXAMPLE}")
    machines = sum(len(config["cluster"].get(kind, ())) for kind in ("chief", "worker"))
    program.tell(f"waiting for {machines} machines; this is {task} {index}.")
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError:
        place = config["cluster"][task][index]
        raise UserError(
            f"this machine cannot listen at {place}: make sure that no other process does, and that the index in "
            "TF_CONFIG differs on each machine."
        ) from None


EXAMPLE = (
    """'{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", "index": 0}}', """
    "with another index on each machine."
)


def several_machines(strategy: tf.distribute.Strategy) -> bool:
    """Whether the strategy trains on several machines."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes the run; of several machines the first does."""
    if not several_machines(strategy):
        return True
    resolver = strategy.cluster_resolver
    return resolver.task_type == "chief" or (resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs)


def agree(strategy: tf.distribute.Strategy, number: int) -> bool:
    """Whether all machines have the same whole number, below 2^24."""
    if not several_machines(strategy):
        return True
    # Equal are those whose mean of squares is the square of their mean.
    return _mean(strategy, number) == number and _mean(strategy, number**2) == number**2


def anywhere(strategy: tf.distribute.Strategy, flag: bool) -> bool:
    """Whether the flag is true on any machine."""
    return _mean(strategy, flag) > 0 if several_machines(strategy) else flag


def _mean(strategy: tf.distribute.Strategy, number: float) -> float:
    numbers = strategy.experimental_distribute_values_from_function(lambda context: tf.constant(number, tf.float64))
    return float(strategy.reduce("MEAN", numbers, axis=None))


def feed(
    strategy: tf.distribute.Strategy, source: Source, batch_size: int, **steps: Any
) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """The batches as `fit` takes them: a replica of any machine gets its rows of the global batch.

    Arguments as `batches.batches`.
    """
    if not several_machines(strategy):
        return batches.batches(source, batch_size, **steps)

    def of_machine(context: tf.distribute.InputContext) -> tf.data.Dataset:
        share = context.num_replicas_in_sync // context.num_input_pipelines
        return batches.batches(
            source,
            batch_size,
            **steps,
            parts=context.num_replicas_in_sync,
            mine=(context.input_pipeline_id * share, share),
        )

    return strategy.distribute_datasets_from_function(of_machine)
