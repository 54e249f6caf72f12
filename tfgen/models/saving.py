"""Saves models of several networks and optimizers: as `.keras` files, as weights, and as checkpoints of a run."""

import inspect
from typing import Any, Self

import keras
import tensorflow as tf


class Saved:
    """Mixin of GenerativeModel. The constructor must store every argument as an attribute of the same name."""

    def get_config(self: Any) -> dict[str, Any]:
        """The arguments of the constructor, read from the attributes of the same names."""
        names = [name for name in inspect.signature(type(self).__init__).parameters if name != "self"]
        return {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Creates a model from its configuration, with new weights."""
        return cls(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})

    def get_compile_config(self: Any) -> dict[str, Any]:
        """The arguments of `compile`."""
        if not self.compiled:
            return {}
        optimizers = {name: keras.saving.serialize_keras_object(value) for name, value in self.optimizers.items()}
        names = ("jit_compile", "run_eagerly", "steps_per_execution", "seed")
        return {name: getattr(self, name) for name in names} | {"optimizers": optimizers}

    def compile_from_config(self: Any, config: dict[str, Any]) -> None:
        """Compiles with the result of `get_compile_config`. This creates the slots that `load_model` then restores."""
        optimizers = {
            name: keras.saving.deserialize_keras_object(value) for name, value in config["optimizers"].items()
        }
        self.compile(**{name: value for name, value in config.items() if name != "optimizers"}, **optimizers)

    def _dropouts(self: Any) -> list[tf.Variable]:
        """The random states of all dropout layers, which Keras does not save."""
        layers = [layer for network in self.networks().values() for layer in network.layers]
        return [layer.seed_generator.state for layer in layers if isinstance(layer, keras.layers.Dropout)]

    def save_own_variables(self: Any, store: Any) -> None:
        """Keras's hook: saves the step and the states of dropout; networks and optimizers save their own variables."""
        for i, variable in enumerate([self.step, *self._dropouts()]):
            store[str(i)] = variable.numpy()

    def load_own_variables(self: Any, store: Any) -> None:
        """Keras's hook: restores what `save_own_variables` has saved."""
        for i, variable in enumerate([self.step, *self._dropouts()]):
            variable.assign(store[str(i)])

    def checkpoint(self: Any, counter: bool = True, **more: Any) -> tf.train.Checkpoint:
        """A tf.train.Checkpoint of networks, their moving statistics and dropout, and optimizers with their slots.

        Args:
            counter: whether to include `step`; checkpoints of tfgen 0.1 do not contain it.
            more: additional objects to save.
        """
        optimizers = {f"{player}_optimizer": optimizer for player, optimizer in self.optimizers.items()}
        states = {"dropout": [state.value for state in self._dropouts()]} if self._dropouts() else {}
        counters = {"step": self.step.value} if counter else {}
        return tf.train.Checkpoint(**self.networks(), **optimizers, **states, **counters, **more)
