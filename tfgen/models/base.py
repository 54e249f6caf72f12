"""What is wrong in most hand-written Keras GANs, made right once: several optimizers, replicas, slots, logs."""

import math

import keras
import numpy as np
import tensorflow as tf


class GenerativeModel(keras.Model):
    """A model of several networks, each player's optimizer moving its own.

    A subclass sets its networks as attributes in its constructor and overrides `train_step(batch)`, which calls
    `update` once per optimizer step. Its only random state is dropout's: latents are drawn from batch["key"] (see
    `tfgen.noise`).

    Attributes:
        players: player -> names of the networks its optimizer changes.
        logs: names of the scalars that `train_step` returns.
    """

    players: dict[str, tuple[str, ...]] = {}
    logs: tuple[str, ...] = ()
    averaged: tuple[str, ...] = ()
    autoencodes: bool = False
    has_posterior: bool = False

    def compile(self, jit_compile="auto", **optimizers):
        """Hands each player its optimizer: `gan.compile(discriminator=Adam(2e-4), generator=Adam(2e-4))`.

        Slots are made here, within the caller's strategy scope: made in the traced step they break it under
        tf.distribute (keras #20164) and are missing from checkpoints taken before it.

        Raises:
            ValueError: if the optimizers' names are not the players'.
        """
        if set(optimizers) != set(self.players):
            raise ValueError(
                f"{type(self).__name__} takes one optimizer for each of {sorted(self.players)}, not for {sorted(optimizers)}"
            )
        super().compile(optimizer=None, jit_compile=jit_compile)
        self.built = (
            True  # all variables are the networks', and those are; Keras would try to call the model to find out
        )
        if keras.config.dtype_policy().compute_dtype == "float16":  # small gradients would be 0
            optimizers = {
                player: keras.optimizers.LossScaleOptimizer(optimizer) for player, optimizer in optimizers.items()
            }
        self.optimizers = optimizers
        for player, optimizer in optimizers.items():
            optimizer.build(self.player_variables(player))

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Nothing: `compile` has built all.

        Keras would draw a batch to find out, and cannot average one of several machines.
        """

    def networks(self):
        """name -> network, for every network of any player."""
        return {name: getattr(self, name) for names in self.players.values() for name in names}

    def parameters(self):
        """network -> number of its trainable parameters; the moving statistics come on top."""
        return {
            name: sum(math.prod(v.shape) for v in network.trainable_variables)
            for name, network in self.networks().items()
        }

    def player_variables(self, player):
        """The trainable variables that this player's optimizer moves."""
        return [variable for name in self.players[player] for variable in getattr(self, name).trainable_variables]

    def update(self, player, loss_fn, batch, draw=0):
        """One step of one player's optimizer.

        Args:
            player: a key of `players`.
            loss_fn: (batch, draw) -> (loss, logs): the scalar to minimise over the local batch, and the terms to log.
            batch: dict of the local batch.
            draw: which noise of this training step `loss_fn` sees; updates given the same number see the same latents.

        Returns:
            The logs, averaged over replicas.
        """
        optimizer, variables = self.optimizers[player], self.player_variables(player)
        context = tf.distribute.get_replica_context()
        with tf.GradientTape() as tape:
            loss, logs = loss_fn(batch, draw)
            # Optimizers add the replicas' gradients up: divided, they add to the global batch's mean (keras #15509).
            loss = optimizer.scale_loss(loss / context.num_replicas_in_sync)
        gradients = tape.gradient(loss, variables)
        if context.num_replicas_in_sync > 1 and isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            # Keras asks the first replica alone whether gradients have overflown: one's overflow is made everybody's.
            over = context.all_reduce(
                tf.distribute.ReduceOp.SUM, tf.cast(~optimizer.check_finite(gradients), tf.float32)
            )
            gradients = [
                gradient if gradient is None else tf.where(over > 0.0, math.nan, gradient) for gradient in gradients
            ]
        optimizer.apply(gradients, variables)
        logs = context.all_reduce(tf.distribute.ReduceOp.MEAN, logs)
        if isinstance(
            context.strategy, tf.distribute.MultiWorkerMirroredStrategy
        ):  # Keras averages them over machines along an axis (keras #20585)
            logs = {name: tf.reshape(value, [1]) for name, value in logs.items()}
        return logs

    def checkpoint(self, **more):
        """A tf.train.Checkpoint of every network with its moving statistics and dropout, every optimizer with its
        slots, and `more`.
        """
        optimizers = {f"{player}_optimizer": optimizer for player, optimizer in self.optimizers.items()}
        # Keras counts a dropout layer's state among its variables, but TensorFlow does not find it there.
        dropouts = [
            layer
            for network in self.networks().values()
            for layer in network.layers
            if isinstance(layer, keras.layers.Dropout)
        ]
        states = {"dropout": [layer.seed_generator.state.value for layer in dropouts]} if dropouts else {}
        return tf.train.Checkpoint(**self.networks(), **optimizers, **states, **more)


def in_batches(network, inputs, batch_size=256):
    """A network's outputs of any number of inputs as NumPy arrays, in inference mode; inputs and outputs are arrays or
    dicts of them.

    Keras's `predict` would let every replica, and every machine, take part, each with moving statistics of its own.
    """
    n = len(tf.nest.flatten(inputs)[0])
    parts = [
        network(tf.nest.map_structure(lambda x: tf.convert_to_tensor(x[i : i + batch_size]), inputs), training=False)
        for i in range(0, n, batch_size)
    ]
    return tf.nest.map_structure(lambda *outputs: np.concatenate(outputs), *parts)
