"""Training on one device, several devices of one machine, or several machines."""

import functools
import json
import os
from typing import Any

import tensorflow as tf

from tfgen import UserError, program
from tfgen.data import batches
from tfgen.data.source import Source


def strategy(devices: int | str | None = None, alone: bool = False) -> tf.distribute.Strategy:
    """The tf.distribute.Strategy to train with. Call it once in a process, before TensorFlow uses a device.

    Args:
        devices: number of devices of this machine, or "all"; None for all GPUs. Without a GPU, N means N logical CPU
            devices.
        alone: whether to ignore other machines, because nothing will be trained.

    Raises:
        UserError: if there are fewer devices, or TF_CONFIG cannot be read.
    """
    if os.environ.get("TF_CONFIG") and not alone:
        if devices not in (None, "all"):
            raise UserError(
                "--devices is for one machine, but TF_CONFIG is set: leave out --devices or unset TF_CONFIG."
            )
        return _of_machines()
    gpus = tf.config.list_physical_devices("GPU")
    count = max(1, len(gpus)) if devices is None or devices == "all" else int(devices)
    if count == 1:
        return tf.distribute.get_strategy()
    if gpus and count > len(gpus):
        raise UserError(f"--devices {count} is more than the {len(gpus)} GPUs of this machine.")
    return _mirrored("GPU" if gpus else "CPU", count)


@functools.cache  # a second strategy in one process breaks the collective operations
def _mirrored(kind: str, count: int) -> tf.distribute.Strategy:
    if kind == "CPU":
        parts = [tf.config.LogicalDeviceConfiguration() for _ in range(count)]
        try:
            tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
        except RuntimeError:
            raise UserError(
                f"the CPU cannot be divided into {count} devices once TensorFlow has used it: start a new process."
            ) from None
    return tf.distribute.MirroredStrategy([f"{kind}:{i}" for i in range(count)])


def _of_machines() -> tf.distribute.Strategy:
    try:
        config = json.loads(os.environ["TF_CONFIG"])
        task, index = config["task"]["type"], int(config["task"]["index"])
        known = task in ("chief", "worker") and 0 <= index < len(config["cluster"][task])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"TF_CONFIG cannot be read ({error!r}): expected {EXAMPLE}") from None
    if not known:
        raise UserError(f"TF_CONFIG names the task {task} {index}, which is not in its cluster: expected {EXAMPLE}")
    machines = sum(len(config["cluster"].get(kind, ())) for kind in ("chief", "worker"))
    program.tell(f"waiting for {machines} machines; this is {task} {index}.")
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError:
        place = config["cluster"][task][index]
        raise UserError(
            f"this machine cannot listen on {place}: make sure that no other process does, and that the index in "
            "TF_CONFIG differs on each machine."
        ) from None


EXAMPLE = (
    """'{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", "index": 0}}', """
    "with a different index on each machine."
)


def several_machines(strategy: tf.distribute.Strategy) -> bool:
    """Whether the strategy trains on several machines."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes the run; of several machines, the first one does."""
    if not several_machines(strategy):
        return True
    resolver = strategy.cluster_resolver
    return resolver.task_type == "chief" or (resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs)


def agree(strategy: tf.distribute.Strategy, number: int) -> bool:
    """Whether all machines have the same integer, below 2^24."""
    if not several_machines(strategy):
        return True
    # Numbers are equal if the mean of their squares is the square of their mean.
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
    """The batches for `fit`: each replica of each machine gets its rows of the global batch.

    The arguments are those of `batches.batches`.
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
