"""The search for a learning rate: a grid, rates beyond its end where the best one lies there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bpcli.config.errors import Notice
from bpcli.experiment.search import LrSweepSpec
from bpcli.selection.choice import Candidate, Choice, candidates_of, choose, rank
from bpcli.selection.grid import beyond, rates_of
from bpcli.selection.study import Finished, Key, Study, Trial
from bpcli.selection.trainings import Trainings


class RateSearch:
    """What is known of the rates, and which trainings are asked for next."""

    def __init__(self, study: Study, spec: LrSweepSpec, also: str = "") -> None:
        self.study, self.spec, self.also = study, spec, also
        self.grid = rates_of(spec)
        self.added: list[float] = []  # beyond the ends of the grid
        self.trainings = Trainings(study)
        self._finished: list[Finished] = []

    def work(self, group: Sequence[Key]) -> str:
        """Train a group; one line."""
        return self.study.train(group, lambda trial, weights: []).to_json()

    def take(self, finished: Finished) -> None:
        """Take in a group, of this sitting or an earlier one."""
        self.trainings.take(finished)
        self._finished.append(finished)

    def pending(self) -> list[Key]:
        """The trainings to do next; empty when the search is over."""
        while not (pending := self.trainings.pending(self._keys())):
            more = self._beyond()
            if not more:
                return []
            self.added += more
        return pending

    @property
    def left(self) -> int:
        """Trainings known to be needed still; more where the grid is extended."""
        return self.trainings.left(self._keys())

    @property
    def candidates(self) -> list[Candidate]:
        """The results by setting and rate."""
        return candidates_of(self.trainings.results(self._keys()))

    @property
    def choice(self) -> Choice | None:
        """The winner; None where every rate has a failed fold."""
        better, held_out = self.study.metric.better, self.study.share_held_out()
        return choose(self.candidates, better, self.spec.rule, held_out)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What became of the grid."""
        if not self.added:
            return ()
        rates = ", ".join(f"{rate:g}" for rate in self.added)
        what = f"the best rate was at the end of the grid, so it goes on with {rates}"
        return (Notice("BP-S004", "lr_sweep", what),)

    @property
    def failures(self) -> tuple[Notice, ...]:
        """Each fold that has failed, with its reason."""
        return tuple(
            Notice("BP-N011", self._where(trial), trial.failure)
            for one in self.candidates
            for trial in one.trials
            if trial.failure
        )

    def seconds(self, candidate: Candidate) -> float:
        """What its trainings took: of each group's time the share of its epochs."""
        return sum(
            done.seconds
            * sum(t.epochs for t in done.trials if (t.setting, t.rate) == candidate[:2])
            / max(1, sum(t.epochs for t in done.trials))
            for done in self._finished
        )

    def record(self) -> dict[str, Any]:
        """What else is known of the trainings, for the record of the run."""
        by_rate = {
            f"{one.setting} {one.rate:g}".strip(): round(self.seconds(one), 3)
            for one in self.candidates
        }
        return {"seconds_by_rate": by_rate}

    def _keys(self) -> list[Key]:
        return self.study.keys(sorted((*self.grid, *self.added)))

    def _beyond(self) -> tuple[float, ...]:
        """Rates past an end of the grid; a failed rate there is end enough."""
        ranked = rank(self.candidates, self.study.metric.better)
        left = self.spec.extend - len(self.added)
        if not ranked or left <= 0:
            return ()
        return beyond((*self.grid, *self.added), ranked[0].rate, left)

    def _where(self, trial: Trial) -> str:
        """`learning rate 0.3, fold 2 of repeat 1`"""
        setting = f"{self.also}={trial.setting}, " if self.also else ""
        return f"{setting}learning rate {trial.rate:g}, fold {trial.fold} of repeat {trial.repeat}"
