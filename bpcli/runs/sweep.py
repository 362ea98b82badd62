"""A learning-rate sweep from loaded configs to its folder."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from bpcli.config.errors import NumericError, Problem
from bpcli.experiment.load import Loaded
from bpcli.runs import folder as names
from bpcli.runs.files import write_file
from bpcli.runs.folder import Kind, write_json
from bpcli.runs.journal import JOURNAL
from bpcli.runs.resolved import prepare_with_target
from bpcli.runs.sitting import Place, Sitting
from bpcli.runs.subject import Subject
from bpcli.runs.sweep_facts import sweep_facts, sweep_table
from bpcli.selection.choice import Candidate, Choice
from bpcli.selection.search import RateSearch
from bpcli.selection.study import Study

TABLE = "lr_sweep.csv"
SUMMARY = "lr_sweep.json"
PICTURES = {kind: f"lr_sweep.{kind}" for kind in ("svg", "png")}
SWEEP = Kind(
    "lr-sweep",
    JOURNAL,
    (names.RECORD, JOURNAL, TABLE, SUMMARY, *PICTURES.values()),
    (names.GIVEN,),
)
_ALL_FAILED = "lower lr_sweep.lowest, scale the columns, or clip the gradient (clip: {norm: 1})"


class SweepRun:
    """Prepare at construction, train by iterating `sitting`, choose and write by `finish`.

    `settings` are configs that differ in the key `also`; the one of "" where there is no such key.
    """

    def __init__(self, settings: Mapping[str, Loaded], place: Place, also: str = "") -> None:
        self.also, self.loaded = also, next(iter(settings.values()))
        place.claim(self.loaded, SWEEP).check()
        subject, self.search = rate_search(settings, also)
        self.config = subject.config
        anywhere = {value: one.anywhere() for value, one in settings.items()}
        plan = partial(rate_search, anywhere, also)
        self.sitting = Sitting(subject, self.search, plan, place)
        self.folder = self.sitting.folder

    def finish(self) -> Choice:
        """Write the tables and choose.  Raises NumericError where every rate has a failed fold."""
        with self.sitting.telling():
            choice = self.search.choice
            write_file(self.folder / TABLE, sweep_table(self.search))
            write_json(self.folder / SUMMARY, self.facts())
            if choice is None:
                raise NumericError(*map(self._failure, self.search.candidates))
            self.sitting.write_state("completed")
        return choice

    @property
    def chosen(self) -> list[str]:
        """The choice as PATH=VALUE."""
        choice = self.search.choice
        assert choice is not None
        second = [f"{self.also}={choice.winner.setting}"] if self.also else []
        return [f"learning_rate={choice.winner.rate:g}", *second]

    def facts(self) -> dict[str, Any]:
        """The summary: every candidate and the choice, the same for any number of jobs."""
        return sweep_facts(self.search)

    def _failure(self, one: Candidate) -> Problem:
        return Problem("BP-N010", self.search.name(one), one.failure, _ALL_FAILED)


def rate_search(settings: Mapping[str, Loaded], also: str) -> tuple[Subject, RateSearch]:
    """The search over these configs; nothing is trained yet."""
    resolved = {value: prepare_with_target(one) for value, one in settings.items()}
    prepared, config = next(iter(resolved.values()))
    configs = {value: one for value, (_, one) in resolved.items()}
    subject = Subject(SWEEP, next(iter(settings.values())), prepared, config, configs)
    return subject, RateSearch(Study(resolved), config.lr_sweep, also)
