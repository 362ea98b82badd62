"""The search for settings: what is tried, what came of it, and what is tried next.

Optuna proposes a batch of trials, each is scored on the folds, and the scores are told in the order
of the trials. So what is proposed depends on the seed and on the batch, on no number of processes,
and a search that is interrupted proposes the same again: nothing of it is kept but the scores.
Akiba et al. 2019, arXiv:1907.10902
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from bpcli.config.errors import BpcliError, DataError, Notice, Problem, ResourceError
from bpcli.data.folds import Folds, make_folds
from bpcli.data.prepare import Prepared
from bpcli.experiment.config import Config
from bpcli.experiment.distributions import Distribution
from bpcli.experiment.search import TuneSpec
from bpcli.metrics.metric import Metric, metrics_for
from bpcli.selection.procedure import ENOUGH, Candidate, FoldScore, fold_scores, ranked
from bpcli.selection.race import rounds

Prepare = Callable[[Sequence[str]], tuple[Prepared, Config]]  # of the config with PATH=VALUE


class Setting(NamedTuple):
    """A trial: its values by path, and the config that they make, or why they make none."""

    number: int
    values: Mapping[str, Any]
    made: tuple[Prepared, Config] | None
    failure: str = ""

    @property
    def assignments(self) -> list[str]:
        """PATH=VALUE"""
        return assignments_of(self.values)


class Group(NamedTuple):
    """The folds of a trial that are trained together."""

    trial: int
    assignments: tuple[str, ...]  # that make its config
    folds: list[int]


class Scored(NamedTuple):
    """What came of a group."""

    trial: int
    seconds: float
    scores: list[FoldScore]

    def to_json(self) -> str:
        """One line; its numbers read back to the same bits."""
        return json.dumps(self, allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> Scored:
        """What `to_json` wrote.  Raises ValueError for any other text."""
        return TypeAdapter(cls).validate_json(line)


class Tuning:
    """Trial 0 is the config as it is, the others come from its space.

    Raises DataError where no folds can be made, ResourceError without Optuna.
    """

    def __init__(self, prepare: Prepare, space: Mapping[str, Distribution], spec: TuneSpec) -> None:
        # Kept for those of the batch: a worker that reads the data itself reads them once a trial.
        self.prepare = lru_cache(spec.batch + 1)(lambda *assignments: prepare(assignments))
        self.space, self.spec = space, spec
        prepared, config = made = self.prepare()
        self.folds: Folds = make_folds(prepared, config.split, config.seed)
        if len(self.folds.folds) < ENOUGH:
            what = f"a trial needs {ENOUGH} folds, there are {len(self.folds.folds)}"
            raise DataError(Problem("BP-S010", "split.folds", what, "ask for more folds"))
        assert config.loss
        self.metric: Metric = metrics_for(config.loss.predicts)[0]
        self.settings = [Setting(0, {}, made)]
        self.pruned: set[int] = set()
        self.spent = 0.0  # seconds
        self._scores: dict[tuple[int, int], FoldScore] = {}
        self._study = _optuna_study(spec, self.metric, config.seed)
        self._judged: set[tuple[int, int]] = set()  # trials, after so many folds
        self._batch: list[Any] = []  # Optuna's trials that are not told yet

    def work(self, group: Group) -> str:
        """Train a group; one line."""
        begin = time.perf_counter()
        made = self.prepare(*group.assignments)
        scores = fold_scores(*made, self.folds, group.folds)
        return Scored(group.trial, time.perf_counter() - begin, scores).to_json()

    def take(self, line: str) -> None:
        """Take in a group, of this sitting or an earlier one."""
        scored = Scored.from_json(line)
        self.spent += scored.seconds
        self._scores |= {(scored.trial, one.fold): one for one in scored.scores}

    def pending(self, jobs: int = 1) -> list[Group]:
        """The groups to do next; empty when all trials are through.

        Without pruning a trial is one group. Else its folds are added step by step, and after each
        step those that do badly are left behind.
        """
        while True:
            for folds in self._steps:
                if groups := list(self._missing(folds)):
                    return groups
                self._prune(folds)
            self._tell()
            if len(self.settings) >= self.spec.trials or self._late:
                return []
            self._ask()

    @property
    def candidates(self) -> list[Candidate]:
        """All trials with what they have been scored on."""
        numbers = range(len(self.folds.folds))
        return [
            Candidate(str(one.number), tuple(self._scored(one.number, numbers)))
            for one in self.settings
        ]

    @property
    def ranked(self) -> list[Candidate]:
        """The trials that are through all folds, the best first."""
        full = len(self.folds.folds)
        return ranked((one for one in self.candidates if len(one.scores) == full), self.metric)

    @property
    def best(self) -> Setting | None:
        """The setting of the best mean score; None where every trial has failed."""
        return self.settings[int(self.ranked[0].name)] if self.ranked else None

    @property
    def done(self) -> int:
        """Trainings done."""
        return len(self._scores)

    @property
    def left(self) -> int:
        """Trainings needed still, if no trial fails or is pruned."""
        full, tried = len(self.folds.folds), len(self.settings)
        begun = sum(len(group.folds) for group in self._missing(full))
        return begun + full * max(0, self.spec.trials - tried)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is to be said of the folds."""
        return self.folds.notices

    @property
    def failures(self) -> tuple[Notice, ...]:
        """Each trial that has failed, with the reason."""
        reasons = {int(one.name): one.failure for one in self.candidates}
        failed = [(one, one.failure or reasons[one.number]) for one in self.settings]
        return tuple(
            Notice("BP-S011", f"trial {one.number}", why, " ".join(one.assignments))
            for one, why in failed
            if why
        )

    def record(self) -> dict[str, Any]:
        """What else is known of the trials, for the record of the run."""
        return {"trials": len(self.settings), "pruned": len(self.pruned)}

    def importances(self) -> dict[str, float]:
        """How much of the differences each path explains (PED-ANOVA), the most first.

        Watanabe et al. 2023, arXiv:2304.10255
        """
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

        told = [one for one in self._study.trials if one.values]
        if len(told) < 2 or len({one.value for one in told}) < 2:
            return {}
        return get_param_importances(self._study, evaluator=PedAnovaImportanceEvaluator())

    @property
    def optuna_study(self) -> Any:
        """Optuna's own account of the trials but the first."""
        return self._study

    @property
    def _late(self) -> bool:
        return self.spec.max_time is not None and self.spent >= self.spec.max_time

    @property
    def _steps(self) -> list[int]:
        """How many folds each step goes to."""
        full = len(self.folds.folds)
        return [full] if self.spec.pruner == "none" else [*rounds(full), full]

    def _scored(self, number: int, folds: Sequence[int]) -> Iterator[FoldScore]:
        yield from (self._scores[number, f] for f in folds if (number, f) in self._scores)

    def _missing(self, folds: int) -> Iterator[Group]:
        """What the trials still have to do to be through so many folds."""
        for one in self.settings:
            if one.made is None or one.number in self.pruned:
                continue
            missing = [f for f in range(folds) if (one.number, f) not in self._scores]
            failed = any(score.failure for score in self._scored(one.number, range(folds)))
            if missing and not failed:
                yield Group(one.number, tuple(one.assignments), missing)

    def _prune(self, folds: int) -> None:
        """Leave behind what Optuna's pruner gives up after so many folds."""
        if folds == len(self.folds.folds):
            return
        for setting, trial in self._open():
            scores = list(self._scored(setting.number, range(folds)))
            judged = (setting.number, folds) in self._judged or setting.number in self.pruned
            if judged or any(one.failure for one in scores) or not scores:
                continue
            self._judged.add((setting.number, folds))
            trial.report(Candidate("", tuple(scores)).mean.value, folds)
            if trial.should_prune():
                self.pruned.add(setting.number)

    def _tell(self) -> None:
        from optuna.trial import TrialState

        by_number = {int(one.name): one for one in self.candidates}
        for setting, trial in self._open():
            one = by_number[setting.number]
            if setting.failure or one.failure:
                self._study.tell(trial, state=TrialState.FAIL)
            elif setting.number in self.pruned:
                self._study.tell(trial, state=TrialState.PRUNED)
            else:
                self._study.tell(trial, one.mean.value)
        self._batch = []

    def _ask(self) -> None:
        """Propose the next batch."""
        for _ in range(min(self.spec.batch, self.spec.trials - len(self.settings))):
            trial = self._study.ask()
            values = {path: one.draw(trial, path) for path, one in self.space.items()}
            self._batch.append(trial)
            self.settings.append(self._setting(len(self.settings), values))

    def _setting(self, number: int, values: Mapping[str, Any]) -> Setting:
        try:
            return Setting(number, values, self.prepare(*assignments_of(values)))
        except BpcliError as error:
            first = error.problems[0]
            return Setting(number, values, None, f"{first.where}: {first.what}")

    def _open(self) -> Iterator[tuple[Setting, Any]]:
        """The settings of the batch with Optuna's trials."""
        if self._batch:
            yield from zip(self.settings[-len(self._batch) :], self._batch, strict=True)


def assignments_of(values: Mapping[str, Any]) -> list[str]:
    """{path: value} as PATH=VALUE."""
    return [f"{path}={json.dumps(value, ensure_ascii=False)}" for path, value in values.items()]


def _optuna_study(spec: TuneSpec, metric: Metric, seed: int) -> Any:
    """An empty study whose every choice is spelled out, for defaults change between releases."""
    try:
        import optuna
    except ImportError:
        what = "needs Optuna, which is not installed"
        fix = "pip install 'bpcli[tune]'"
        raise ResourceError(Problem("BP-S012", "bpcli tune", what, fix)) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    samplers: dict[str, Callable[[], Any]] = {
        "tpe": lambda: optuna.samplers.TPESampler(
            n_startup_trials=10, n_ei_candidates=24, multivariate=False, seed=seed % 2**32
        ),
        "random": lambda: optuna.samplers.RandomSampler(seed=seed % 2**32),
    }
    pruners: dict[str, Callable[[], Any]] = {
        "none": optuna.pruners.NopPruner,
        "median": lambda: optuna.pruners.MedianPruner(n_startup_trials=5),
        "halving": lambda: optuna.pruners.SuccessiveHalvingPruner(
            min_resource=2, reduction_factor=2
        ),
        "hyperband": lambda: optuna.pruners.HyperbandPruner(min_resource=2, reduction_factor=2),
    }
    return optuna.create_study(
        study_name="bpcli",  # hyperband deals out its trials by the name
        sampler=samplers[spec.sampler](),
        pruner=pruners[spec.pruner](),
        direction="maximize" if metric.better == "higher" else "minimize",
    )
