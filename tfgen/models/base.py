"""The base class of all models: several optimizers, replicas, optimizer slots, logs, saving."""

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgen import UserError
from tfgen.models import inputs
from tfgen.models.saving import Saved

Batch = dict[str, tf.Tensor]
Logs = dict[str, tf.Tensor]


class GenerativeModel(Saved, keras.Model):
    """A model of several networks. Each player has an optimizer that updates the player's networks.

    A subclass sets its networks as attributes in its constructor and overrides `train_step(data)`, which begins with
    `batch = self.batch(data)` and calls `update` once per optimizer step. It stores every argument of its constructor
    as an attribute of the same name; `save` and `load_model` read the configuration from these attributes. Latents are
    a function of batch["key"] (see `tfgen.noise`); dropout is the only other source of randomness.

    Attributes:
        players: player -> names of the networks that its optimizer updates.
        logs: names of the scalars that `train_step` returns.
        condition: the field of a batch that the model is conditioned on, "label", "attributes" or "depth"; None if the
            model is unconditional. This is y in `fit`.
        averaged: names of the networks that generate pictures; a running average of the weights covers these.
        autoencodes: whether the model has an encoder and a decoder, and therefore `encode` and `reconstruct`.
        has_prior: whether pictures can be generated from latents of a known distribution, as `sample` does.
        has_posterior: whether codes have a posterior with a log-variance, which `sample_posterior` samples.
        step: number of training steps so far; latents are derived from it if batches have no key.
    """

    players: dict[str, tuple[str, ...]] = {}
    logs: tuple[str, ...] = ()
    condition: str | None = None
    averaged: tuple[str, ...] = ()
    autoencodes = False
    has_prior = True
    has_posterior = False

    def __init__(self) -> None:
        super().__init__()
        self.step = self.add_weight(
            (), "zeros", dtype="int64", trainable=False, aggregation="only_first_replica", name="step"
        )
        self.built = True  # all other variables belong to the networks, which are already built

    # Training --------------------------------------------------------------------------------------------------------

    def compile(
        self,
        jit_compile: bool = False,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        seed: int = 0,
        **optimizers: keras.optimizers.Optimizer,
    ) -> None:
        """Sets the optimizer of each player: `gan.compile(discriminator=Adam(2e-4), generator=Adam(2e-4))`.

        Optimizer slots are created here, in the caller's strategy scope. If they were created in the traced step, the
        step would fail under tf.distribute (keras #20164), and earlier checkpoints would not contain the slots.

        Args:
            jit_compile: whether to compile the training step with XLA, which draws different noise from the same seed.
            run_eagerly: whether to run the step without tracing it, for debugging.
            steps_per_execution: number of training steps in one call of the compiled function, on one device.
            seed: seed of the latents, used if batches have no key.
            optimizers: player -> optimizer.

        Raises:
            ValueError: if the optimizers' names are not the players'.
        """
        if set(optimizers) != set(self.players):
            raise ValueError(
                f"{type(self).__name__} takes one optimizer for each of {sorted(self.players)}, "
                f"not for {sorted(optimizers)}"
            )
        for name, network in self.networks().items():
            if not network.built:
                raise ValueError(f"the network {name} is not built: start it with keras.Input(shape).")
        optimizers = {player: keras.optimizers.get(optimizer) for player, optimizer in optimizers.items()}
        if len({id(optimizer) for optimizer in optimizers.values()}) < len(optimizers):
            raise ValueError("two players have the same optimizer: create one for each player.")
        super().compile(
            optimizer=None,
            jit_compile=jit_compile,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
        )
        self.seed = seed
        self.trackers = {name: keras.metrics.Mean(name=name) for name in self.logs}
        for player, optimizer in optimizers.items():
            if self._computes_in("float16") and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
                optimizers[player] = keras.optimizers.LossScaleOptimizer(optimizer)  # small gradients would be 0
        self.optimizers = optimizers
        for player, optimizer in optimizers.items():
            optimizer.build(self.player_variables(player))

    def _computes_in(self, dtype: str) -> bool:
        layers = [layer for network in self.networks().values() for layer in network.layers]
        return any(layer.compute_dtype == dtype for layer in layers)

    @property
    def batches_per_step(self) -> int:
        """Number of batches that one training step takes."""
        return 1

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The means of the logs over an epoch, in the order of `logs`."""
        return [*self.trackers.values()] if self.compiled else []

    def fit(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, **arguments: Any
    ) -> keras.callbacks.History:
        """Trains the model like `keras.Model.fit`, on pictures, on pictures and their condition, or on dicts.

        Args:
            x: pictures (n, H, W, C), floats in [0, 1]; a pair (pictures, y); a dict of arrays as `batch` describes; or
                a tf.data.Dataset of batches of any of these.
            y: what the model is conditioned on: labels (n,) for a CGAN, attributes (n, K) for an ACGAN, depth
                (n, H, W, 1) for a DepthWGAN. Other models ignore it.
            batch_size: pictures per batch, 32 by default for arrays; a tf.data.Dataset is already batched. A training
                step takes `batches_per_step` batches, for example one for each critic step of a WGAN. A batch of a
                PyDataset, of a generator and of a tf.data.Dataset whose size is unknown is divided into as many.
            epochs: passes over the data.
            arguments: other arguments of `keras.Model.fit`. Callbacks that need a single optimizer are refused; set
                `model.optimizers[player].learning_rate` in your own callback.

        Raises:
            UserError: if the model cannot be trained on x and y. All values of an array are checked; of a PyDataset
                and of a tf.data.Dataset of known length, those of the first batch; of other data, types and shapes.
        """
        if isinstance(x, tuple) and len(x) == 2 and y is None:
            x, y = x
        if self.batches_per_step > 1:
            x, batch_size = inputs.joined(x, batch_size, self.batches_per_step)
        inputs.check_fit(self, x, y, batch_size, arguments)
        if isinstance(x, tf.data.Dataset):
            arguments["shuffle"] = False  # Keras ignores it, and warns
        try:
            history = super().fit(x, y, batch_size=batch_size, epochs=epochs, **arguments)
        except tf.errors.InvalidArgumentError as error:
            wrong = re.search(rf"{inputs.WRONG_LABELS}.*?classes\.", str(error))
            if not wrong:
                raise
            raise UserError(wrong[0]) from None  # a label of a later batch
        for player, optimizer in self.optimizers.items():  # of an optimizer with use_ema the averages
            optimizer.finalize_variable_values(self.player_variables(player))
        return history

    def evaluate(self, x: Any = None, y: Any = None, **arguments: Any) -> Any:
        """`keras.Model.evaluate` of an autoencoder: the means of `validation_logs` over all pictures.

        Raises:
            UserError: if the model is not an autoencoder, or the pictures are not what it can be given.
        """
        inputs.check_validation(self, x, y)
        return super().evaluate(x, y, **arguments)

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Does nothing: all variables exist. Keras would read a batch, which does not work on several machines."""

    def batch(self, data: Any) -> Batch:
        """Converts the data that `fit` passes to `train_step` to a dict of the local batch.

        Args:
            data: pictures (B, H, W, C); a pair of pictures and y; or a dict of "image", and of "label" (B,),
                "attributes" (B, K), "depth" (B, H, W, 1), "mask" and "key" where the model needs them. Pictures and
                depth are floats in [0, 1].

        Returns:
            The dict, with pictures, attributes and depth as float32, labels as integers, and the "key" from which
            latents are drawn: the key in the data, or (seed, step), where step counts the model's training steps.

        Raises:
            UserError: if the data do not fit the model.
        """
        batch = inputs.as_batch(self, data)
        if "key" not in batch:
            step = tf.identity(self.step.value)
            batch["key"] = tf.stack([tf.constant(self.seed, tf.int64), step])
        self.step.assign_add(1)
        return batch

    def update(
        self, player: str, loss_fn: Callable, batch: Batch, draw: int = 0, tape: tf.GradientTape | None = None
    ) -> Logs:
        """Takes one step of one player's optimizer.

        Args:
            player: a key of `players`.
            loss_fn: (batch, draw) -> (loss, logs): the scalar to minimize over the local batch, and the terms to log.
            batch: dict of the local batch.
            draw: number of the noise within this training step; updates with the same number use the same latents.
            tape: a tape that has recorded what `batch` contains, if the gradient is to go through that.

        Returns:
            The logs, averaged over replicas.
        """
        optimizer, variables = self.optimizers[player], self.player_variables(player)
        context = tf.distribute.get_replica_context()
        with tape or tf.GradientTape() as tape:
            loss, logs = loss_fn(batch, draw)
            added = [term for name in self.players[player] for term in getattr(self, name).losses]
            if added:  # regularizers of the player's layers
                loss += tf.add_n([tf.cast(term, loss.dtype) for term in added])
            # Optimizers add the replicas' gradients up: divided, they add to the global batch's mean (keras #15509).
            loss = optimizer.scale_loss(loss / context.num_replicas_in_sync)
        gradients = tape.gradient(loss, variables)
        if context.num_replicas_in_sync > 1 and isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            # Keras checks only the first replica for overflow: an overflow on one replica is copied to all.
            over = context.all_reduce(
                tf.distribute.ReduceOp.SUM, tf.cast(~optimizer.check_finite(gradients), tf.float32)
            )
            gradients = [
                gradient if gradient is None else tf.where(over > 0.0, math.nan, gradient) for gradient in gradients
            ]
        optimizer.apply(gradients, variables)
        return self.track(context.all_reduce(tf.distribute.ReduceOp.MEAN, logs), batch["image"])

    def track(self, logs: Logs, images: tf.Tensor) -> Logs:
        """The logs of a batch as a step returns them; counts them in the epoch's means, weighted by the pictures."""
        for name, value in logs.items():
            if name in self.trackers:
                self.trackers[name].update_state(value, tf.cast(tf.shape(images)[0], tf.float32))
        strategy = tf.distribute.get_strategy()
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            # Keras averages logs over machines along an axis (keras #20585).
            logs = {name: tf.reshape(value, [1]) for name, value in logs.items()}
        return logs

    def get_metrics_result(self) -> dict[str, Any]:
        """Keras's hook for the logs at the end of an epoch: the means of all terms that were logged."""
        return {name: tracker.result() for name, tracker in self.trackers.items() if tracker.count.numpy()}

    # Networks --------------------------------------------------------------------------------------------------------

    def networks(self) -> dict[str, keras.Model]:
        """name -> network, for all networks of all players."""
        return {name: getattr(self, name) for names in self.players.values() for name in names}

    def parameters(self) -> dict[str, int]:
        """network -> number of its trainable parameters, without moving statistics."""
        return {
            name: sum(math.prod(v.shape) for v in network.trainable_variables)
            for name, network in self.networks().items()
        }

    def player_variables(self, player: str) -> list[keras.Variable]:
        """The trainable variables that this player's optimizer updates."""
        return [variable for name in self.players[player] for variable in getattr(self, name).trainable_variables]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (H, W, C) of the pictures that the model is trained on."""
        raise NotImplementedError

    # Use -------------------------------------------------------------------------------------------------------------

    def call(self, inputs: Any, training: bool = False) -> tf.Tensor:
        """Generates pictures from z, or from a pair (z, condition)."""
        z, condition = inputs if isinstance(inputs, tuple | list) else (inputs, None)
        return self.generate(z, condition)

    def generate(self, z: Any, condition: Any = None) -> tf.Tensor:
        """Generates pictures (n, H, W, C) from latents, with batch normalization in inference mode.

        Args:
            z: latents.
            condition: what to condition the pictures on; for conditional models only.
        """
        raise NotImplementedError

    def export(self, filepath: str, format: str = "tf_saved_model", **arguments: Any) -> None:
        """Exports `call` like `keras.Model.export`, with an endpoint `serve` for batches of any size."""
        arguments.setdefault("input_signature", [self.input_signature])
        super().export(filepath, format=format, **arguments)

    @property
    def input_signature(self) -> Any:
        """tf.TensorSpec of the input of `call`, or a pair of them."""
        raise NotImplementedError


def in_batches(network: Callable, inputs: Any, batch_size: int = 256) -> Any:
    """Applies a network to any number of inputs in inference mode. Returns NumPy arrays.

    Keras's `predict` would involve all replicas and machines, each with its own moving statistics.

    Args:
        network: a Keras model; its inputs and outputs are arrays or dicts of them.
        inputs: array (n, ...), or dict of such arrays.
        batch_size: number of examples at a time.
    """
    n = len(tf.nest.flatten(inputs)[0])
    parts: Iterable = [
        network(tf.nest.map_structure(lambda x: tf.convert_to_tensor(x[i : i + batch_size]), inputs), training=False)
        for i in range(0, n, batch_size)
    ]
    return tf.nest.map_structure(lambda *outputs: np.concatenate(outputs), *parts)
