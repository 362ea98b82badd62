"""A moment of training: what a checkpoint keeps, as plain facts and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from bpcli.config.component import Spec
from bpcli.nn.layer import Array

Count = Annotated[int, Field(ge=0)]
Counts = dict[str, Count]
Exact = Annotated[str, Field(pattern=r"^-?(\d+(\.\d+)?(e[+-]?\d+)?|inf|nan)$")]


class Standing(Spec):
    """The memory of one training's rules."""

    best: Exact  # monitored loss of the best epoch
    best_epoch: Count
    halvings: Annotated[tuple[Count, ...], Field(strict=False)]
    stop_reason: str  # empty while it trains, or waits for its turn


class Progress(Spec):
    """How far a run is."""

    counts: Counts  # of the state
    training: Annotated[tuple[Count, ...], Field(strict=False)]  # whose state it is, from 0
    rates: Annotated[tuple[float, ...], Field(strict=False)]  # of these, halved or not
    members: Annotated[tuple[Standing, ...], Field(strict=False)]
    lowest: Exact  # training loss of the kept epoch
    kept: Counts | None  # counts of the epoch that backoff goes back to
    seconds: Annotated[float, Field(ge=0)]

    def require_replicas(self, groups: Sequence[Sequence[int]]) -> None:
        """Raises ValueError unless it is about these groups of replicas, one of them at work."""
        fits = any(self.training and set(self.training) <= set(group) for group in groups)
        in_order = sorted(set(self.training)) == list(self.training)
        whole = len(self.members) == sum(map(len, groups))
        if not (fits and in_order and whole and len(self.rates) == len(self.training)):
            raise ValueError("its position does not fit its training")


class Snapshot(NamedTuple):
    """Progress, and the arrays by name: `state.*`, `kept.*` with backoff, `best.<i>` where kept."""

    progress: Progress
    arrays: Mapping[str, Array]

    @property
    def is_finite(self) -> bool:
        """Whether it is worth keeping: training that goes on from an infinity diverges."""
        return all(np.isfinite(array).all() for array in self.arrays.values())

    def require_like(self, expected: Mapping[str, Array]) -> None:
        """Raises ValueError unless names, shapes and types are those of `expected`."""
        wanted, found = _forms(expected), _forms(self.arrays)
        if wanted != found:
            wrong = sorted(set(wanted.items()) ^ set(found.items()))
            raise ValueError(f"its tensors do not fit its network: {wrong[0][0]}")
        kept = any(name.startswith("kept.") for name in expected)
        counts = [self.progress.counts, *([self.progress.kept] if self.progress.kept else [])]
        complete = all(set(one) == {"iteration", "rows_seen"} for one in counts)
        if not complete or len(counts) != 1 + kept:
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
