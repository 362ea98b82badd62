"""A stack of convolutions against PyTorch: python benchmarks/convolution.py [--rounds 5]

Three times conv2d 3×3 of 32 channels and relu on 64 images of 28×28×32, then the mean over each
image and a dense layer; softmax cross-entropy and Adam, float32. Each round is a process of its
own, the two in turn, with 1 and with 2 threads.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

IMAGES, SIDE, CHANNELS, CONVOLUTIONS, CLASSES = 64, 28, 32, 3, 10
STEPS = 8  # updates of a block, each on images of its own
BLOCKS = 3  # timed, after one for warming up; the fastest counts
RATE = 1e-3
TOLERANCE = 0.01  # relative, of the loss after a block
LABELS = {"bpcli": "bpcli", "pytorch": "PyTorch eager"}


def images_and_start() -> tuple:
    """x (N,h,w,C), classes (N,), filters (3,3,C,C) of each convolution, W (C,classes)."""
    import numpy as np

    rng = np.random.default_rng(0)
    n = IMAGES * STEPS
    x = rng.standard_normal((n, SIDE, SIDE, CHANNELS), dtype=np.float32)
    y = rng.integers(0, CLASSES, n)
    filters = rng.normal(0, (2 / 9 / CHANNELS) ** 0.5, (CONVOLUTIONS, 3, 3, CHANNELS, CHANNELS))
    dense = rng.normal(0, CHANNELS**-0.5, (CHANNELS, CLASSES))
    return x, y, filters.astype(np.float32), dense.astype(np.float32)


def fastest(block: Callable[[], float]) -> tuple[float, float, float]:
    """Seconds and processor seconds of a step, and the loss of the last step of the first block."""
    loss, found = block(), []
    for _ in range(BLOCKS):
        begin, work = time.perf_counter(), time.process_time()
        block()
        found.append((time.perf_counter() - begin, time.process_time() - work))
    return min(a for a, _ in found) / STEPS, min(b for _, b in found) / STEPS, loss


def bpcli(threads: int) -> tuple[float, float, float]:
    from bpcli.config.threads import fix_threads

    fix_threads(1)
    import numpy as np

    from bpcli.nn.activations import Relu
    from bpcli.nn.batches import Rows
    from bpcli.nn.convolution import Conv2D
    from bpcli.nn.images import Image
    from bpcli.nn.layers import Dense
    from bpcli.nn.losses.classes import CrossEntropy
    from bpcli.nn.method import Method
    from bpcli.nn.network import Network
    from bpcli.nn.optimizers.moments import Adam
    from bpcli.nn.pooling import GlobalAvgPool
    from bpcli.nn.random import Purpose, generator
    from bpcli.nn.schedules import Constant
    from bpcli.nn.state import State
    from bpcli.nn.training import train

    x, y, filters, dense = images_and_start()
    convolutions = [Conv2D(filters=CHANNELS), Relu()] * CONVOLUTIONS
    image = Image(height=SIDE, width=SIDE, channels=CHANNELS)
    layers = [image, *convolutions, GlobalAvgPool(), Dense(units=CLASSES)]
    network = Network(layers, (x[0].size,))
    method = Method(
        CrossEntropy(), Adam(), Constant(), (RATE,), IMAGES, 1000 * STEPS, parts=threads
    )
    order = generator(method.seed, Purpose.SHUFFLE, 0).permutation(len(x))
    laid, t = np.empty_like(x), np.zeros((len(x), CLASSES), np.float32)
    laid[order] = x  # so that the first epoch's order is the given one
    t[order, y] = 1
    state = State.start(network, method, "float32")
    views = [one for one in network.views(state.flat) if hasattr(one, "W")]
    for one, W in zip(views, [*filters, dense], strict=True):
        one.W[0], one.b[0] = W, 0
    epochs = train(network, method, state, Rows(laid.reshape(1, len(x), -1), t[None]))
    losses = []

    def block() -> float:
        next(epochs)
        losses.append(float(state.last_loss[0]))
        return losses[0]

    found = fastest(block)
    epochs.close()
    return found


def pytorch(threads: int) -> tuple[float, float, float]:
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    x, y, filters, dense = images_and_start()
    layers: list[nn.Module] = []
    for W in filters:
        layers += [nn.Conv2d(CHANNELS, CHANNELS, 3, padding="same"), nn.ReLU()]
        _set(layers[-2], W.transpose(3, 2, 0, 1))
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(CHANNELS, CLASSES)]
    _set(layers[-1], dense.T)
    net = nn.Sequential(*layers)
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE, fused=True)
    rows = torch.from_numpy(x.transpose(0, 3, 1, 2).copy()).split(IMAGES)
    batches = list(zip(rows, torch.from_numpy(y).split(IMAGES), strict=True))

    def block() -> float:
        for images, classes in batches:
            optimizer.zero_grad(set_to_none=True)
            loss = nn.functional.cross_entropy(net(images), classes)
            loss.backward()
            optimizer.step()
        return loss.item()

    return fastest(block)


def _set(layer: Any, weights: Any) -> None:
    import torch

    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weights.copy()))
        layer.bias.zero_()


def table(rounds: int) -> Iterator[str]:
    """A section of docs/benchmarks.md.  Raises SystemExit where the losses disagree."""
    found: dict[tuple[str, int], list[tuple[float, float, float]]] = {}
    for _ in range(rounds):
        for threads in (1, 2):
            for who in LABELS:
                found.setdefault((who, threads), []).append(_process(who, threads))
    losses = [loss for each in found.values() for _, _, loss in each]
    if max(losses) - min(losses) > TOLERANCE * min(losses):
        sys.exit(f"The losses of the convolutions do not agree: {losses}")
    yield "| threads | bpcli | PyTorch eager | bpcli / PyTorch | of the processor's time |"
    yield "| ---: | ---: | ---: | ---: | ---: |"
    for threads in (1, 2):
        wall, work = (_medians(found, threads, kind) for kind in (0, 1))
        shares = [f"{1e3 * seconds:.0f} ms" for seconds in wall] + [f"{wall[0] / wall[1]:.2f}"]
        # That of bpcli's second process is not known.
        shares.append(f"{work[0] / work[1]:.2f}" if threads == 1 else "–")
        yield f"| {threads} | {' | '.join(shares)} |"


def _medians(found: dict[Any, list[Any]], threads: int, kind: int) -> list[float]:
    """The median over the rounds, of each competitor."""
    return [statistics.median(one[kind] for one in found[who, threads]) for who in LABELS]


def _process(who: str, threads: int) -> tuple[float, float, float]:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    command = [sys.executable, __file__, "--one", who, "--threads", str(threads)]
    given = {**os.environ, **dict.fromkeys(names, str(threads))}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=given)
    seconds, work, loss = json.loads(done.stdout.splitlines()[-1])
    print(f"{LABELS[who]:14} {threads} {1e3 * seconds:7.1f} ms", file=sys.stderr, flush=True)
    return seconds, work, loss


def main() -> None:
    parser = argparse.ArgumentParser(description="Time convolutions in turn.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", choices=LABELS)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps({"bpcli": bpcli, "pytorch": pytorch}[asked.one](asked.threads)))
    else:
        print("\n".join(table(asked.rounds)))


if __name__ == "__main__":
    main()
