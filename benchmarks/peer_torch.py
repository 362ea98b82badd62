"""PyTorch: python benchmarks/peer_torch.py WORKLOAD eager|compile

eager: the plain training loop with the fused Adam. compile: torch.compile of forward pass and loss
together, with the better of the fused and the compiled Adam.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import torch
from torch.nn import Linear, Module, ReLU, Sequential, Tanh
from torch.nn.functional import cross_entropy
from workloads import (
    BETA1,
    BETA2,
    EPSILON,
    LEARNING_RATE,
    Weights,
    Workload,
    asked,
    report,
    seconds_per_step,
)


def main() -> None:
    workload, mode = asked(), sys.argv[2]
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    compiled = {"eager": (False,), "compile": (False, True)}[mode]
    seconds, loss, adam = min(timed(workload, mode, compile_adam) for compile_adam in compiled)
    report(seconds, loss, adam=adam, version=torch.__version__)


def timed(workload: Workload, mode: str, compile_adam: bool) -> tuple[float, float, str]:
    net = make_net(workload)
    optimizer = torch.optim.Adam(
        net.parameters(),
        lr=LEARNING_RATE,
        betas=(BETA1, BETA2),
        eps=EPSILON,
        fused=not compile_adam,
        foreach=compile_adam,
    )
    update: Callable[[], object] = optimizer.step
    if compile_adam:
        update = torch.compile(optimizer.step)

    def loss_of(rows: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        return cross_entropy(net(rows), classes)

    forward = torch.compile(loss_of) if mode == "compile" else loss_of
    x, y = map(torch.from_numpy, workload.data())
    batches = list(zip(x.split(workload.batch), y.split(workload.batch), strict=True))

    def block() -> None:
        for rows, classes in batches:
            optimizer.zero_grad(set_to_none=True)
            forward(rows, classes).backward()
            update()

    def reset() -> None:
        write(net, workload.start())
        for state in optimizer.state.values():
            for slot in state.values():
                slot.zero_()

    seconds = seconds_per_step(workload, reset, block)
    return seconds, workload.loss(read(net)), "compiled" if compile_adam else "fused"


def make_net(workload: Workload) -> Sequential:
    activation = {"relu": ReLU, "tanh": Tanh}[workload.activation]
    layers: list[Module] = []
    for fan_in, fan_out in workload.layers:
        layers += [Linear(fan_in, fan_out), activation()]
    return Sequential(*layers[:-1])


def write(net: Sequential, weights: Weights) -> None:
    with torch.no_grad():
        for layer, (w, b) in zip(linear(net), weights, strict=True):
            layer.weight.copy_(torch.from_numpy(w.T))
            layer.bias.copy_(torch.from_numpy(b))


def read(net: Sequential) -> Weights:
    return [(layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in linear(net)]


def linear(net: Sequential) -> list[Linear]:
    return [layer for layer in net if isinstance(layer, Linear)]


if __name__ == "__main__":
    main()
