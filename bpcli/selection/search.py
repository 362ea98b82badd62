"""The search for a learning rate: a grid, rates beyond its end where the best one lies there."""

from __future__ import annotations

from collections.abc import Iterable

from bpcli.experiment.search import LrSweepSpec
from bpcli.selection.choice import Candidate, Choice, candidates_of, choose, rank
from bpcli.selection.grid import beyond, rates_of
from bpcli.selection.study import Key, Study, Trial


class RateSearch:
    """What is known of the rates, and which trainings are asked for next."""

    def __init__(self, study: Study, spec: LrSweepSpec) -> None:
        self.study, self.spec = study, spec
        self.grid = rates_of(spec)
        self.added: list[float] = []  # beyond the ends of the grid
        self._trials: dict[Key, Trial] = {}

    def take(self, trials: Iterable[Trial]) -> None:
        """Take in results, of this sitting or an earlier one."""
        self._trials.update({trial.key: trial for trial in trials})

    def __contains__(self, key: Key) -> bool:
        """Whether the training is done."""
        return key in self._trials

    def pending(self) -> list[Key]:
        """The trainings to do next; empty when the search is over."""
        while not (missing := self._missing()):
            more = self._beyond()
            if not more:
                return []
            self.added += more
        return missing

    @property
    def trials(self) -> list[Trial]:
        """Every result so far, in the order of settings, rates and folds."""
        keys = self.study.keys(sorted((*self.grid, *self.added)))
        return [self._trials[key] for key in keys if key in self._trials]

    @property
    def candidates(self) -> list[Candidate]:
        """The results by setting and rate."""
        return candidates_of(self.trials)

    @property
    def choice(self) -> Choice | None:
        """The winner; None where every rate has a failed fold."""
        better, held_out = self.study.metric.better, self.study.share_held_out()
        return choose(self.candidates, better, self.spec.rule, held_out)

    def _missing(self) -> list[Key]:
        keys = self.study.keys((*self.grid, *self.added))
        return [key for key in keys if key not in self._trials]

    def _beyond(self) -> tuple[float, ...]:
        """Rates past an end of the grid; a failed rate there is end enough."""
        ranked = rank(self.candidates, self.study.metric.better)
        left = self.spec.extend - len(self.added)
        if not ranked or left <= 0:
            return ()
        return beyond((*self.grid, *self.added), ranked[0].rate, left)
