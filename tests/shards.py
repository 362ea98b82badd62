"""A small training in shards: its rows, its method, and what comes of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.nn.activations import Tanh
from bpcli.nn.batches import Rows
from bpcli.nn.layer import Layer
from bpcli.nn.layers import Dense, Dropout
from bpcli.nn.losses.classes import CrossEntropy
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.optimizers.moments import Adam
from bpcli.nn.schedules import Constant
from bpcli.nn.state import State
from bpcli.nn.training import train

PLAIN: list[Layer] = [Dense(units=6), Tanh(), Dense(units=3)]
LAYERS: list[Layer] = [*PLAIN[:2], Dropout(rate=0.3), PLAIN[2]]


def table(n: int = 103, weights: bool = True) -> Rows:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, n, 5))
    c = rng.uniform(0.1, 2, (1, n, 1)) if weights else None
    return Rows(x, np.eye(3)[rng.integers(0, 3, n)][None], c)


def method(**settings: Any) -> Method:
    usual: dict[str, Any] = {
        "loss": CrossEntropy(),
        "optimizer": Adam(),
        "schedule": Constant(),
        "rates": (0.01,),
        "batch_size": 20,
        "shards": 4,
    }
    return Method(**(usual | settings))


def begun(how: Method, rows: Rows, layers: list[Layer] = LAYERS) -> tuple[Network, State]:
    network = Network(layers, (5,))
    return network, State.start(network, how, "float64", rows)


def run(how: Method, rows: Rows, layers: list[Layer] = LAYERS, **more: Any) -> State:
    network, state = begun(how, rows, layers)
    list(train(network, how, state, rows, **more))
    return state
