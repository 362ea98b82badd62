"""Write captum.json: integrated gradients by captum.  python tests/oracles/make_captum.py

Run by hand, in an environment with PyTorch and captum; the tests only read the table. README.md
describes it. Weights are stored (inputs, outputs), the transpose of PyTorch's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import captum
import torch
from captum.attr import IntegratedGradients
from torch import Tensor, nn
from torch.nn import functional as F

STEPS = 100
ROWS = 6


class Classes(nn.Module):
    """4 → 8 relu → 6 tanh → 3 → softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.ModuleList([nn.Linear(4, 8), nn.Linear(8, 6), nn.Linear(6, 3)])

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.dense[1](torch.relu(self.dense[0](x))))
        return torch.softmax(self.dense[2](x), dim=1)


class Numbers(nn.Module):
    """3 → 5 silu → layer norm → 2 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.ModuleList([nn.Linear(3, 5), nn.Linear(5, 2)])
        self.norm = nn.LayerNorm(5)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense[1](self.norm(F.silu(self.dense[0](x))))


class Categories(nn.Module):
    """2 numbers and a vector of 3 for each of two categories → 7 tanh → 1 → σ: two classes."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = nn.ModuleList([nn.Embedding(4, 3), nn.Embedding(5, 3)])
        self.dense = nn.ModuleList([nn.Linear(8, 7), nn.Linear(7, 1)])

    def forward(self, x: Tensor, first: Tensor, second: Tensor) -> Tensor:
        h = torch.cat([x, first, second], dim=1)
        p = torch.sigmoid(self.dense[1](torch.tanh(self.dense[0](h))))
        return torch.cat([1 - p, p], dim=1)


def main() -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    table = {
        "made_with": {"captum": captum.__version__, "torch": torch.__version__.split("+")[0]},
        "steps": STEPS,
        "classes": plain(Classes(), 4, 3),
        "numbers": plain(Numbers(), 3, 2),
        "categories": categories(),
    }
    path = Path(__file__).with_name("captum.json")
    path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def plain(net: nn.Module, inputs: int, answers: int) -> dict[str, Any]:
    """Attributions of rows `x` from `baseline`, for each answer."""
    grow(net)
    x, baseline = 2 * torch.randn(ROWS, inputs), torch.randn(1, inputs)
    method = IntegratedGradients(net)
    found = [
        method.attribute(x, baseline, target=k, n_steps=STEPS, method="gausslegendre")
        for k in range(answers)
    ]
    return {**weights(net), "x": x.tolist(), "baseline": baseline.tolist(), **said(found)}


def categories() -> dict[str, Any]:
    """The same, where the line goes from the vector of code 0 to that of the row's code."""
    net = Categories()
    grow(net)
    x, baseline = torch.randn(ROWS, 2), torch.randn(1, 2)
    codes = torch.stack([torch.arange(ROWS) % 4, (2 * torch.arange(ROWS) + 1) % 5], dim=1)
    vectors = [table(codes[:, i]).detach() for i, table in enumerate(net.tables)]
    unseen = [table(torch.zeros(1, dtype=torch.long)).detach() for table in net.tables]
    method, found = IntegratedGradients(net), []
    for k in range(2):
        parts = method.attribute(
            (x, *vectors), (baseline, *unseen), target=k, n_steps=STEPS, method="gausslegendre"
        )
        sums = [part.sum(dim=1, keepdim=True) for part in parts[1:]]
        found.append(torch.cat([parts[0], *sums], dim=1))
    return {
        **weights(net),
        "tables": [table.weight.tolist() for table in net.tables],
        "x": torch.cat([x, codes.to(x)], dim=1).tolist(),
        "baseline": baseline.tolist(),
        **said(found),
    }


def grow(net: nn.Module) -> None:
    """Larger weights, so that the answers are far from linear."""
    with torch.no_grad():
        for dense in net.dense:
            dense.weight.mul_(2)


def weights(net: nn.Module) -> dict[str, Any]:
    return {
        "dense": [{"W": one.weight.T.tolist(), "b": one.bias.tolist()} for one in net.dense],
    }


def said(found: list[Tensor]) -> dict[str, Any]:
    """(rows, answers, inputs)"""
    return {"attributions": torch.stack(found, dim=1).tolist()}


if __name__ == "__main__":
    main()
