"""Saves models of several networks and optimizers: as `.keras` files, as weights, and as checkpoints of a run."""

import inspect
from typing import Any, Self

import keras
import tensorflow as tf


class Saved:
    """Mixin of GenerativeModel. The constructor must store every argument as an attribute of the same name."""

    def get_config(self: Any) -> dict[str, Any]:
        """The constructor's arguments, which are attributes of the same names."""
        return {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in _arguments(type(self))}

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

    def _seeds(self: Any) -> list[keras.Variable]:
        """The states of dropout and of other random layers: Keras counts them as variables, but saves them nowhere."""
        variables = [variable for network in self.networks().values() for variable in network.variables]
        return [variable for variable in variables if variable.name == "seed_generator_state"]

    def save_own_variables(self: Any, store: Any) -> None:
        """Keras's hook: the step and the states of random layers; the networks and optimizers save their own."""
        for i, variable in enumerate([self.step, *self._seeds()]):
            store[str(i)] = variable.numpy()

    def load_own_variables(self: Any, store: Any) -> None:
        """Reads what `save_own_variables` wrote."""
        for i, variable in enumerate([self.step, *self._seeds()]):
            variable.assign(store[str(i)])

    def checkpoint(self: Any, counter: bool = True, **more: Any) -> tf.train.Checkpoint:
        """A tf.train.Checkpoint of networks, their moving statistics and dropout, and optimizers with their slots.

        Args:
            counter: whether to include `step`; checkpoints of tfgen 0.1 do not contain it.
            more: additional objects to save.
        """
        optimizers = {f"{player}_optimizer": optimizer for player, optimizer in self.optimizers.items()}
        states = {"dropout": [state.value for state in self._seeds()]} if self._seeds() else {}
        counters = {"step": self.step.value} if counter else {}
        return tf.train.Checkpoint(**self.networks(), **optimizers, **states, **counters, **more)


def _arguments(cls: type) -> list[str]:
    """Names of a constructor's arguments; where it takes any others, also those of the constructor above it."""
    names: list[str] = []
    for base in cls.__mro__:
        if "__init__" in vars(base):
            parameters = [*inspect.signature(vars(base)["__init__"]).parameters.values()][1:]
            others = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
            names += [one.name for one in parameters if one.kind not in others and one.name not in names]
            if not any(one.kind in others for one in parameters):
                break
    return names
