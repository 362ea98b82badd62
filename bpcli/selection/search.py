"""The search for a learning rate: a grid, rates beyond its end where the best one lies there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from bpcli.config.errors import Notice
from bpcli.experiment.search import LrSweepSpec
from bpcli.selection.choice import Candidate, Choice, candidates_of, choose
from bpcli.selection.grid import beyond, rates_of
from bpcli.selection.race import better_half, rounds
from bpcli.selection.range_test import range_test
from bpcli.selection.study import Finished, Key, Study
from bpcli.selection.trainings import Trainings


class RateSearch:
    """What is known of the rates, and which trainings are asked for next."""

    def __init__(self, study: Study, spec: LrSweepSpec, also: str = "") -> None:
        self.study, self.spec, self.also = study, spec, also
        self.added: list[float] = []  # beyond the ends of the grid
        self.trainings = Trainings(study)
        self._finished: list[Finished] = []

    @cached_property
    def grid(self) -> tuple[float, ...]:
        """The rates to begin with; made when they are asked for, as range tests train."""
        tested = self.study.settings.values() if self.spec.grid == "range-test" else ()
        tests = [range_test(config, prepared) for prepared, config in tested]
        return rates_of(self.spec, tests)

    def work(self, group: Sequence[Key]) -> str:
        """Train a group; one line."""
        return self.study.train(group, lambda trial, weights: []).to_json()

    def take(self, line: str) -> None:
        """Take in a group, of this sitting or an earlier one."""
        finished = Finished.from_json(line)
        self.trainings.take(finished)
        self._finished.append(finished)

    def pending(self, jobs: int = 1) -> list[list[Key]]:
        """The groups of trainings to do next; empty when the search is over."""
        while not (pending := self.trainings.pending(self._asked())):
            more = self._beyond()
            if not more:
                return []
            self.added += more
        return self.study.groups(pending, jobs)

    @property
    def done(self) -> int:
        """Trainings done."""
        return len(self.trainings)

    @property
    def spent(self) -> float:
        """Seconds that they took, over all processes."""
        return self.trainings.spent

    @property
    def left(self) -> int:
        """Trainings known to be needed still; more where the grid is extended."""
        return self.trainings.left(self._asked())

    @property
    def candidates(self) -> list[Candidate]:
        """The results by setting and rate, of those out of the race what there is."""
        settings = list(self.study.settings)
        keys = sorted(self._asked(), key=lambda key: (settings.index(key.setting), key.rate))
        return candidates_of(self.trainings.results(keys), len(self.study.places))

    @property
    def choice(self) -> Choice | None:
        """The winner; None where every rate has a failed fold."""
        better, held_out = self.study.metric.better, self.study.share_held_out()
        return choose(self.candidates, better, self.spec.rule, held_out)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is to be said of the folds; where the grid is, and what became of it."""
        notices = list(self.study.folds.notices)
        if self.spec.grid == "range-test":
            what = f"the grid is {self.grid[0]:g} … {self.grid[-1]:g} by a short range test"
            notices.append(Notice("BP-S006", "lr_sweep.grid", f"{what}, which is a heuristic"))
        if self.added:
            rates = ", ".join(f"{rate:g}" for rate in self.added)
            what = f"the best rate was at the end of the grid, so it goes on with {rates}"
            notices.append(Notice("BP-S004", "lr_sweep", what))
        return tuple(notices)

    @property
    def failures(self) -> tuple[Notice, ...]:
        """Each rate that has failed in a fold, with the reason."""
        failed = (one for one in self.candidates if one.failed)
        return tuple(Notice("BP-N011", self.name(one), one.failure) for one in failed)

    def name(self, candidate: Candidate) -> str:
        """`learning rate 0.3`, `batch_size=16, learning rate 0.3`"""
        setting = f"{self.also}={candidate.setting}, " if self.also else ""
        return f"{setting}learning rate {candidate.rate:g}"

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

    def _asked(self) -> list[Key]:
        """The first trainings asked for so far: each rate on the folds that it has come to."""
        out: list[Key] = []
        left, places = self.study.keys(self.grid), self.study.places
        for folds in rounds(len(places)) if self.spec.halving else ():
            begun = [key for key in left if key[2:4] in places[:folds]]
            if self.trainings.pending(begun):
                return [*out, *begun]
            candidates = candidates_of(self.trainings.results(begun), folds)
            going_on = better_half(candidates, self.study.metric.better)
            out += [key for key in begun if key[:2] not in going_on]
            left = [key for key in left if key[:2] in going_on]
        return [*out, *left, *self.study.keys(self.added)]

    def _beyond(self) -> tuple[float, ...]:
        """Rates past an end at which the best or the chosen one lies; failed ones do not count."""
        choice, left = self.choice, self.spec.extend - len(self.added)
        if choice is None or left <= 0:
            return ()
        rates = (*self.grid, *self.added)
        return beyond(rates, choice.best.rate, left) or beyond(rates, choice.winner.rate, left)
