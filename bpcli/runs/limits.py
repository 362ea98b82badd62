"""How much doubt a file may give before a pipeline should stop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import Problem
from bpcli.data.doubt import KINDS, Doubt

_SAID = {
    "unseen": "have a category that training had not",
    "missing": "have a missing cell",
    "out_of_range": "have a number beyond those of the training rows",
}


class Limit(NamedTuple):
    """The most that is allowed: a share of the rows, or the distance of the farthest one."""

    kind: str
    most: float


def limit(written: str) -> Limit:
    """`unseen>0.05` as a limit.  Raises ValueError for any other form."""
    kind, above, most = (part.strip() for part in written.partition(">"))
    with suppress(ValueError):
        if above and kind in KINDS and 0 <= float(most) < np.inf:
            return Limit(kind, float(most))
    raise ValueError(f"expected one of {', '.join(KINDS)}, then > and a number, got {written!r}")


class Tally:
    """The doubts of a file, counted over its parts."""

    def __init__(self) -> None:
        self.rows = 0
        self._most = dict.fromkeys(KINDS, 0.0)  # rows with a doubt; the largest distance

    def add(self, doubt: Doubt) -> None:
        """Count a part."""
        self.rows += len(doubt.unseen)
        for kind, cells in zip(_SAID, doubt[:-1], strict=True):
            self._most[kind] += int(np.count_nonzero(cells))
        farthest = float(doubt.distance.max(initial=0.0))
        self._most["distance"] = max(self._most["distance"], farthest)

    def beyond(self, limits: Iterable[Limit], file: str) -> Iterator[Problem]:
        """The limits that the file goes beyond."""
        for one in limits:
            if self._figure(one.kind) > one.most:
                fix = f"look at the rows with --doubt, or raise --fail-on {one.kind}"
                what = f"{self._counted(one.kind)}, the limit is {one.most:g}"
                yield Problem("BP-L001", file, what, fix)

    def _figure(self, kind: str) -> float:
        """The share of the rows with a doubt, or the largest distance."""
        return self._most[kind] / max(self.rows, 1) if kind in _SAID else self._most[kind]

    def _counted(self, kind: str) -> str:
        figure = f"{self._figure(kind):.4g}"
        if kind in _SAID:
            return f"{int(self._most[kind]):,} of {self.rows:,} rows {_SAID[kind]}: {figure}"
        return f"the farthest row is {figure} standard deviations beyond the training rows"
