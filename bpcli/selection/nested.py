"""Nested cross-validation: how good the search itself is, by rows that had no say in it.

The best of many trials is partly the luckiest on the folds that chose it. So the whole search is
done again without each of the outer folds, and its winner is scored on the fold that was left out.
Cawley & Talbot 2010, jmlr.org/papers/v11/cawley10a.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from bpcli.config.errors import DataError, Notice
from bpcli.data.arrays import Sets
from bpcli.data.folds import Fold, Folds, make_folds, without_fold
from bpcli.data.prepare import Prepared
from bpcli.experiment.config import Config
from bpcli.experiment.distributions import Distribution
from bpcli.experiment.search import TuneSpec
from bpcli.selection.statistics import Mean
from bpcli.selection.trial import Group, Scored, Setting
from bpcli.selection.tuning import Tuning

# Of the config with PATH=VALUE, its rows divided by the sets where some are given.
Prepare = Callable[[Sequence[str], Sets | None], tuple[Prepared, Config]]


class OuterFold(NamedTuple):
    """What the search without an outer fold has chosen, and what that is worth on the fold."""

    number: int  # from 1
    best: Setting | None  # None where every trial has failed
    inner: Mean | None  # of the folds that chose it
    outer: float | None
    epochs: int  # of the training for it
    failure: str  # why there is no score; empty where there is one


class NestedTuning:
    """The search on all rows that do not test, and once more without each outer fold of them.

    No outer folds unless the spec asks for them.
    """

    def __init__(
        self,
        prepare: Prepare,
        space: Mapping[str, Distribution],
        begin: Mapping[str, Any],
        spec: TuneSpec,
    ) -> None:
        self.whole = Tuning(lambda changes: prepare(changes, None), space, begin, spec)
        self.folds = self._outer_folds(spec.outer_folds)
        self.without = [self._without(fold, prepare) for fold in self.folds.folds]
        self._by_name = {one.name: one for one in (self.whole, *self.without)}

    def work(self, group: Group) -> str:
        """Train a group; one line."""
        return self._by_name[group.search].work(group)

    def take(self, line: str) -> None:
        """Take in a group; one of other outer folds than those asked for is of no use."""
        if search := self._by_name.get(Scored.from_json(line).search):
            search.take(line)

    def pending(self, jobs: int = 1) -> list[Group]:
        """The next groups of all searches; of one that is through, the training of its winner."""
        outer = (one.pending(jobs) or self._winner(one) for one in self.without)
        return [*self.whole.pending(jobs), *chain.from_iterable(outer)]

    @property
    def outer(self) -> list[OuterFold]:
        """What came of each outer fold."""
        return [_outcome(*both) for both in enumerate(self.without, 1)]

    @property
    def done(self) -> int:
        """Trainings done."""
        return sum(one.done for one in self._by_name.values())

    @property
    def left(self) -> int:
        """Trainings needed still, if no trial fails or is pruned."""
        unscored = sum(one.winner_score is None for one in self.without)
        return sum(one.left for one in self._by_name.values()) + unscored

    @property
    def spent(self) -> float:
        """Seconds that they took, over all processes."""
        return sum(one.spent for one in self._by_name.values())

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is to be said of the folds."""
        outer = (one._replace(where="tune.outer_folds") for one in self.folds.notices)
        inner = (notice for one in self._by_name.values() for notice in one.notices)
        return tuple(dict.fromkeys((*outer, *inner)))

    @property
    def failures(self) -> tuple[Notice, ...]:
        """Each trial that has failed, and each outer fold that is not scored."""
        lost = (
            Notice("BP-S013", one.name, outer.failure)
            for one, outer in zip(self.without, self.outer, strict=True)
            if outer.failure
        )
        return (*chain.from_iterable(one.failures for one in self._by_name.values()), *lost)

    def record(self) -> dict[str, Any]:
        """What else is known of the searches, for the record of the run."""
        return {**self.whole.record(), "outer_folds": len(self.without)}

    def _outer_folds(self, count: int | None) -> Folds:
        if count is None:
            return Folds(self.whole.folds.method, [], ())
        prepared, config = self.whole.prepare()
        asked = config.split.model_copy(update={"folds": count, "repeats": 1})
        return make_folds(prepared, asked, config.seed)

    def _without(self, fold: Fold, prepare: Prepare) -> Tuning:
        """The search without an outer fold.  Raises DataError where the others are too few."""
        name = f"outer fold {fold.number} of {len(self.folds.folds)}"
        prepared, config = self.whole.prepare()
        try:
            sets = without_fold(prepared, config.split, config.seed, fold)
            inside = partial(_divided, prepare, sets)
            whole = self.whole
            return Tuning(inside, whole.space, whole.begin, whole.spec, name)
        except DataError as error:
            placed = (one._replace(where=f"{name}, {one.where}") for one in error.problems)
            raise DataError(*placed) from None

    def _winner(self, search: Tuning) -> list[Group]:
        unscored = search.best is not None and search.winner_score is None
        return [search.winner] if unscored else []


def _divided(prepare: Prepare, sets: Sets, changes: Sequence[str]) -> tuple[Prepared, Config]:
    return prepare(changes, sets)


def _outcome(number: int, search: Tuning) -> OuterFold:
    inner = search.ranked[0].mean(search.metric) if search.ranked else None
    found = search.winner_score
    if found is None:
        return OuterFold(number, search.best, inner, None, 0, "every trial has failed")
    outer = found.scores.get(search.metric.name)
    return OuterFold(number, search.best, inner, outer, found.epochs, found.failure)
