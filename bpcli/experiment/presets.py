"""Presets: networks by name, each with the training method that suits it."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, NamedTuple

from pydantic import Field

from bpcli.config.component import Component
from bpcli.nn.activations import Silu
from bpcli.nn.layer import Layer
from bpcli.nn.layers import Dense
from bpcli.nn.optimizers.moments import Adam
from bpcli.nn.optimizers.optimizer import Optimizer
from bpcli.nn.schedules import Cosine, Schedule


class Recipe(NamedTuple):
    """What a preset fills in where the config is silent."""

    layers: tuple[Layer, ...]
    optimizer: Optimizer
    learning_rate: float
    schedule: Schedule
    batch_size: int
    epochs: int


class Preset(Component):
    """A network and a training method by name, fitted to the size of the table."""

    family: ClassVar[str] = "preset"

    def recipe(self, rows: int) -> Recipe:
        """Plain settings for `rows` training rows."""
        raise NotImplementedError


class Linear(Preset):
    """No hidden layer: linear, logistic or softmax regression, as the target asks."""

    name: ClassVar[str] = "linear"

    def recipe(self, rows: int) -> Recipe:
        batch = batch_size(rows)
        return Recipe((), Adam(), 0.03, Cosine(), batch, epochs(rows, batch, updates=1000))


class MLP(Preset):
    """Two hidden layers of silu units: the multilayer perceptron, and the default."""

    name: ClassVar[str] = "mlp"
    width: Annotated[int, Field(ge=1, description="units of each hidden layer")] = 128
    depth: Annotated[int, Field(ge=1, le=16, description="number of hidden layers")] = 2

    def recipe(self, rows: int) -> Recipe:
        batch = batch_size(rows)
        layers = (Dense(units=self.width), Silu()) * self.depth
        return Recipe(layers, Adam(), 0.003, Cosine(), batch, epochs(rows, batch, updates=4000))


def batch_size(rows: int) -> int:
    """Rows of a mini-batch: a power of two that grows with the table, from 32 to 1024."""
    bounds = {512: 32, 1024: 64, 8192: 128, 30_000: 256, 100_000: 512}
    return next((size for bound, size in bounds.items() if rows <= bound), 1024)


def epochs(rows: int, batch: int, updates: int) -> int:
    """Passes over the table for about `updates` updates: at least 20, at most 1000."""
    return min(1000, max(20, round(updates / math.ceil(rows / batch))))
