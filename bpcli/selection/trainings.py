"""Which trainings of a study are done, and which of them are scored.

Rows that choose the epoch of a training flatter its score, and a training that jumps about most of
all: among many epochs it has a lucky one. So where the rows held out have a say, the first training
of a fold only tells how many epochs it takes. The fold is then trained again, for the mean of what
the other folds of its repeat took, and that training is scored: its own rows had no say in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from statistics import fmean

from bpcli.selection.study import Finished, Key, Study, Trial


class Trainings:
    """The trainings of a study that are done, of this sitting or an earlier one."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.spent = 0.0  # seconds
        self._done: dict[Key, Trial] = {}

    def __len__(self) -> int:
        return len(self._done)

    def take(self, finished: Finished) -> None:
        """Take in a group."""
        self.spent += finished.seconds
        self._done.update({trial.key: trial for trial in finished.trials})

    def missing(self, keys: Iterable[Key]) -> list[Key]:
        """Those of them that are not done."""
        return [key for key in keys if key not in self._done]

    def pending(self, keys: Sequence[Key]) -> list[Key]:
        """What is to be done next for these first trainings and the ones that are scored."""
        return self.missing(keys) or self.missing(self.scored(keys).values())

    def left(self, keys: Sequence[Key]) -> int:
        """How many trainings that will be in all, as far as is known."""
        first = self.missing(keys)
        if not first:
            return len(self.missing(self.scored(keys).values()))
        done = {trial.key: trial.failure for trial in self.first(keys)}
        again = [key for key in keys if self.study.watches(key.setting) and not done.get(key)]
        return len(first) + len(again)

    def first(self, keys: Iterable[Key]) -> list[Trial]:
        """What came of those of them that are done."""
        return [self._done[key] for key in keys if key in self._done]

    def scored(self, keys: Sequence[Key]) -> Mapping[Key, Key]:
        """For each first training, all of which are done, the one that is scored."""
        alike = groupby(keys, lambda key: (key.setting, key.rate, key.repeat))
        return {key: scored for _, own in alike for key, scored in self._scored(list(own))}

    def results(self, keys: Sequence[Key]) -> list[Trial]:
        """What came of each training, by the one that is scored where that is done."""
        scored = self.scored(keys)
        known = (self._done.get(scored[key]) or self._done.get(key) for key in keys)
        return [trial for trial in known if trial is not None]

    def _scored(self, folds: Sequence[Key]) -> Iterable[tuple[Key, Key]]:
        """The folds of one repeat; one that fails has no other training."""
        watches = self.study.watches(folds[0].setting)
        best = {t.key: t.epoch for t in self.first(folds) if watches and t.epoch is not None}
        for key in folds:
            others = [epoch for other, epoch in best.items() if other != key]
            length = mean_epoch(others or best.values()) if key in best else None
            yield key, key._replace(length=length)


def mean_epoch(epochs: Iterable[int | None]) -> int:
    """The mean of those that are known, as a whole number."""
    return round(fmean(epoch for epoch in epochs if epoch is not None))
