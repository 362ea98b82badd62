"""A moment of training: what a checkpoint keeps, as plain facts and arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from bpcli.config.component import Spec
from bpcli.nn.layer import Array

Count = Annotated[int, Field(ge=0)]
Counts = dict[str, Count]
Exact = Annotated[str, Field(pattern=r"^-?(\d+(\.\d+)?(e[+-]?\d+)?|inf|nan)$")]


class Progress(Spec):
    """How far training is, and the memory of its rules."""

    counts: Counts  # of the state
    rates: Annotated[tuple[float, ...], Field(strict=False)]  # of each replica, halved or not
    halvings: Annotated[tuple[Count, ...], Field(strict=False)]
    best: Exact  # monitored loss of the best epoch
    best_epoch: Count
    lowest: Exact  # training loss of the kept epoch
    kept: Counts | None  # counts of the epoch that backoff goes back to
    seconds: Annotated[float, Field(ge=0)]
    stop_reason: str  # empty while training goes on


class Snapshot(NamedTuple):
    """Progress, and the arrays by name: `state.*`, `kept.*` with backoff, `best` where kept."""

    progress: Progress
    arrays: Mapping[str, Array]

    @property
    def is_finite(self) -> bool:
        """Whether it is worth keeping: training that goes on from an infinity diverges."""
        return all(np.isfinite(array).all() for array in self.arrays.values())

    def require_like(self, expected: Mapping[str, Array], flat: Array) -> None:
        """Raises ValueError unless names, shapes and types are those of `expected`.

        The best parameters are like `flat`; they are there once there was an epoch.
        """
        wanted = {"best": flat, **expected} if "best" in self.arrays else expected
        if _forms(wanted) != _forms(self.arrays):
            wrong = sorted(set(_forms(wanted).items()) ^ set(_forms(self.arrays).items()))
            raise ValueError(f"its tensors do not fit its network: {wrong[0][0]}")
        kept = any(name.startswith("kept.") for name in expected)
        counts = [self.progress.counts, *([self.progress.kept] if self.progress.kept else [])]
        complete = all(set(one) == {"iteration", "rows_seen"} for one in counts)
        if not complete or len(counts) != 1 + kept or len(self.progress.rates) != len(flat):
            raise ValueError("its position does not fit its training")


def text_of(number: float) -> str:
    """A float as text that reads back to the same bits; JSON has no infinity."""
    return repr(float(number))


def under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays under a prefix, by the rest of their names."""
    start = f"{prefix}."
    return {n.removeprefix(start): a for n, a in arrays.items() if n.startswith(start)}


def _forms(arrays: Mapping[str, Array]) -> dict[str, tuple[tuple[int, ...], str]]:
    return {name: (array.shape, array.dtype.name) for name, array in arrays.items()}
