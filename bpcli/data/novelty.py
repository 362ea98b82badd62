"""What in a file was not there in training, counted over its tables and said once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import numpy as np

from bpcli.config.errors import Notice, listing
from bpcli.data.blocks import unseen_words
from bpcli.data.layout import FeatureLayout, Flag, Levels
from bpcli.data.table import Table, ignored

_KEPT = 1000  # new words of a column that are remembered, the first ones in order
_SHOWN = 5


class _Words:
    """New words of a column."""

    def __init__(self) -> None:
        self.cells, self.words, self.more = 0, set[str](), False

    def add(self, words: Collection[str], cells: int) -> None:
        self.cells += cells
        self.words.update(words)
        if len(self.words) > _KEPT:
            self.words, self.more = set(sorted(self.words)[:_KEPT]), True

    def __str__(self) -> str:
        shown = listing([repr(word[:80]) for word in sorted(self.words)], _SHOWN)
        return f"{shown} or more" if self.more else shown


class Novelty:
    """Columns, categories and gaps that training had not; `known` columns are no surprise."""

    def __init__(self, layout: FeatureLayout, known: Collection[str] = ()) -> None:
        self._known = {*layout.columns, *known}
        self._named: tuple[Flag | Levels, ...] = (*layout.flags, *layout.categorical)
        self._words = {one.name: _Words() for one in self._named}
        self._gapless = dict(_gapless(layout))
        self._gaps = dict.fromkeys(self._gapless, 0)

    def add(self, table: Table) -> None:
        """Count what a table has."""
        for one in self._named:
            new = unseen_words(one, table.cells(one.name))
            self._words[one.name].add(new, sum(new.values()))
        for name in self._gaps:
            self._gaps[name] += int(np.count_nonzero(table.cells(name).missing))

    def notices(self, names: Iterable[str], where: str) -> Iterator[Notice]:
        """What is new in a file with columns of these names."""
        yield from ignored(where, [name for name in names if name not in self._known])
        for one in self._named:
            new = self._words[one.name]
            if new.cells:
                kind = "of the trained categories" if isinstance(one, Levels) else "of yes and no"
                what = f"column {one.name!r}: {new.cells} cells are none {kind}: {new}"
                yield Notice("BP-D110", where, what)
        for name, count in self._gaps.items():
            if count:
                place = self._gapless[name]
                what = f"column {name!r}: {count} cells are missing, in training none was: {place}"
                yield Notice("BP-D111", where, what)


def _gapless(layout: FeatureLayout) -> Iterator[tuple[str, str]]:
    """The columns that had no gap in training, and what a missing cell is taken for."""
    for name in layout.numeric:
        if name not in layout.indicators:
            yield name, "the median stands in"
    for one in layout.blocks:
        if not one.missing:
            yield one.name, "unseen" if isinstance(one, Levels) else "halfway"
