"""The floor under any such trainer: the bare matrix products.  python benchmarks/floor.py WORKLOAD

Forward pass, gradients of the weights, gradients of the hidden units; same shapes, same threads as
bpcli, results into given arrays.
"""

from __future__ import annotations

from functools import partial

from workloads import Workload, asked, report, seconds_per_step

from bpcli.config.threads import fix_threads, threads_of


def main() -> None:
    workload = asked()
    threads = threads_of({"network": [{"dense": units} for units in workload.sizes[1:]]})
    fix_threads(threads)
    products = prepare(workload)

    def block() -> None:
        for _ in range(workload.steps):
            for product in products:
                product()

    seconds = seconds_per_step(workload, reset=lambda: None, block=block)
    report(seconds, None, threads=threads)


def prepare(workload: Workload) -> list[partial]:
    import numpy as np

    def full(*shape: int) -> np.ndarray:
        return np.full(shape, 0.5, np.float32)

    products = []
    for index, (fan_in, fan_out) in enumerate(workload.layers):
        x, dx = full(workload.batch, fan_in), full(workload.batch, fan_in)
        w, dw = full(fan_in, fan_out), full(fan_in, fan_out)
        y, dy = full(workload.batch, fan_out), full(workload.batch, fan_out)
        products += [partial(np.matmul, x, w, y), partial(np.matmul, x.T, dy, dw)]
        if index:
            products.append(partial(np.matmul, dy, w.T, dx))
    return products


if __name__ == "__main__":
    main()
