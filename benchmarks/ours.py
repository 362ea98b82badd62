"""bpcli's engine: python benchmarks/ours.py WORKLOAD

The threads are those of `threads: auto`, fixed before numpy is imported as in `bpcli train`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from workloads import (
    BETA1,
    BETA2,
    EPSILON,
    LEARNING_RATE,
    Workload,
    asked,
    report,
    seconds_per_step,
)

if TYPE_CHECKING:
    import numpy as np


def main() -> None:
    from bpcli import __version__
    from bpcli.config.threads import blas_threads_of, fix_threads, threads_of

    workload = asked()
    config = {"network": [{"dense": units} for units in workload.sizes[1:]]}
    threads = threads_of(config)
    fix_threads(blas_threads_of(config))
    engine = Engine(workload, threads)
    seconds = seconds_per_step(workload, engine.reset, engine.block)
    report(seconds, workload.loss(list(engine.weights())), threads=threads, version=__version__)


class Engine:
    """The one place that knows bpcli: a block is one epoch of `train`, shuffling included."""

    def __init__(self, workload: Workload, threads: int) -> None:
        import numpy as np

        from bpcli.nn.activations import Relu, Tanh
        from bpcli.nn.batches import Rows
        from bpcli.nn.layers import Dense
        from bpcli.nn.losses.classes import CrossEntropy
        from bpcli.nn.method import Method
        from bpcli.nn.network import Network
        from bpcli.nn.optimizers.moments import Adam
        from bpcli.nn.random import Purpose, generator
        from bpcli.nn.schedules import Constant

        activation = {"relu": Relu, "tanh": Tanh}[workload.activation]
        layers: list = []
        for _, units in workload.layers:
            layers += [Dense(units=units), activation()]
        self.network = Network(layers[:-1], workload.sizes[:1])
        self.method = Method(
            CrossEntropy(),
            Adam(beta1=BETA1, beta2=BETA2, epsilon=EPSILON),
            Constant(),
            rates=(LEARNING_RATE,),
            batch_size=workload.batch,
            iterations=workload.steps,
            parts=threads,
        )
        # Every epoch is in random order: the rows lie so that the first one's is the given order.
        x, y = workload.data()
        order = generator(self.method.seed, Purpose.SHUFFLE, 0).permutation(len(x))
        laid = np.empty_like(x)
        laid[order] = x
        targets = np.zeros((len(x), workload.sizes[-1]), np.float32)
        targets[order, y] = 1
        self.rows = Rows(laid[None], targets[None])
        self.start = workload.start()

    def reset(self) -> None:
        from bpcli.nn.state import State

        self.state = State.start(self.network, self.method, "float32")
        for (w, b), (start_w, start_b) in zip(self.weights(), self.start, strict=True):
            w[...], b[...] = start_w, start_b

    def block(self) -> None:
        from bpcli.nn.training import train

        for _ in train(self.network, self.method, self.state, self.rows):
            pass

    def weights(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Views of W and b of each layer of the one replica."""
        for views in self.network.views(self.state.flat):
            if hasattr(views, "W"):
                yield views.W[0], views.b[0, 0]


if __name__ == "__main__":
    main()
