"""The search for settings: what is tried, what came of it, and what is tried next.

Optuna proposes a batch of trials, each is scored on the folds, and the scores are told in the order
of the trials. So what is proposed depends on the seed and on the batch, on no number of processes,
and a search that is interrupted proposes the same again: nothing of it is kept but the scores.
Akiba et al. 2019, arXiv:1907.10902
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from bpcli.config.errors import BpcliError, ConfigError, DataError, Notice, Problem
from bpcli.data.folds import Folds, make_folds
from bpcli.data.prepare import Prepared
from bpcli.experiment.config import Config
from bpcli.experiment.distributions import Distribution
from bpcli.experiment.search import TuneSpec
from bpcli.metrics.metric import Kind, Metric, goal, metrics_for
from bpcli.selection.procedure import (
    ENOUGH,
    WHOLE,
    Candidate,
    FoldScore,
    fold_scores,
    ranked,
    whole_score,
)
from bpcli.selection.proposals import optuna_study
from bpcli.selection.race import rounds
from bpcli.selection.sharing import dealt, in_common, most_alike
from bpcli.selection.trial import Group, Scored, Setting, assignments_of, reason_of

Prepare = Callable[[Sequence[str]], tuple[Prepared, Config]]  # of the config with PATH=VALUE


class Tuning:
    """Trial 0 is the config as it is, the others come from its space.

    `begin` is what proposes trial 0; empty where that does not lie in the space.

    Raises DataError where no folds can be made, ResourceError without Optuna.
    """

    def __init__(
        self,
        prepare: Prepare,
        space: Mapping[str, Distribution],
        begin: Mapping[str, Any],
        spec: TuneSpec,
        name: str = "",  # among several searches
    ) -> None:
        # Kept for those of the batch: a worker that reads the data itself reads them once a trial.
        self.prepare = lru_cache(spec.batch + 1)(lambda *assignments: prepare(assignments))
        self.space, self.begin, self.spec, self.name = space, begin, spec, name
        prepared, config = self.prepare()
        self.folds: Folds = make_folds(prepared, config.split, config.seed)
        if len(self.folds.folds) < ENOUGH:
            what = f"a trial needs {ENOUGH} folds, there are {len(self.folds.folds)}"
            raise DataError(Problem("BP-S010", "split.folds", what, "ask for more folds"))
        assert config.loss
        self.metric = _metric(spec.metric, config.loss.predicts)
        self.settings = [Setting(0, {})]
        self.pruned: set[int] = set()
        self.spent = 0.0  # seconds
        # On folds, by the first trial of a group; the others were proposed with it.
        self._seconds: defaultdict[int, float] = defaultdict(float)
        self._scores: dict[tuple[int, int], FoldScore] = {}
        self._study = optuna_study(spec, self.metric, config.seed)
        self._judged: set[tuple[int, int]] = set()  # trials, after so many folds
        self._batch: list[Any] = []  # Optuna's trials that are not told yet

    def work(self, group: Group) -> str:
        """Train a group; one line."""
        begin = time.perf_counter()
        try:
            scores = self._train(group)
        except (ConfigError, DataError) as error:  # of what folds have too few rows for
            told = reason_of(error)
            failed = [FoldScore(number, {}, 0, told) for number in group.folds or [WHOLE]]
            scores = [failed] * len(group.trials)
        numbers = (one.number for one in group.trials)
        seconds = time.perf_counter() - begin
        return Scored(group.search, seconds, dict(zip(numbers, scores, strict=True))).to_json()

    def take(self, line: str) -> None:
        """Take in a group, of this sitting or an earlier one."""
        scored = Scored.from_json(line)
        self.spent += scored.seconds
        for trial, scores in scored.trials.items():
            self._scores |= {(trial, one.fold): one.requiring(self.metric) for one in scores}
        first = min(scored.trials)
        if scored.trials[first][0].fold != WHOLE:
            self._seconds[first] += scored.seconds

    def pending(self, jobs: int = 1) -> list[Group]:
        """The groups to do next; empty when all trials are through.

        Without pruning a trial is through all folds at once. Else they are added step by step, and
        after each step those that do badly are left behind.
        """
        while True:
            for folds in self._steps:
                if missing := list(self._missing(folds)):
                    return self._groups(missing, jobs)
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
    def winner(self) -> Group:
        """The best setting, to be trained on all rows of the search; there has to be one."""
        assert self.best
        return Group(self.name, [self.best], [])

    @property
    def winner_score(self) -> FoldScore | None:
        """What came of that."""
        return self._scores.get((self.best.number, WHOLE)) if self.best else None

    @property
    def done(self) -> int:
        """Trainings done."""
        return len(self._scores)

    @property
    def left(self) -> int:
        """Trainings needed still, if no trial fails or is pruned."""
        full, tried = len(self.folds.folds), len(self.settings)
        begun = sum(len(folds) for _, folds in self._missing(full))
        return begun + full * max(0, self.spec.trials - tried)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is to be said of the folds."""
        return self.folds.notices

    @property
    def failures(self) -> tuple[Notice, ...]:
        """Each trial that has failed, with the reason."""
        of = f"{self.name}, " if self.name else ""
        reasons = {int(one.name): one.failure for one in self.candidates}
        failed = [(one, one.failure or reasons[one.number]) for one in self.settings]
        return tuple(
            Notice("BP-S011", f"{of}trial {one.number}", why, " ".join(one.assignments))
            for one, why in failed
            if why
        )

    def record(self) -> dict[str, Any]:
        """What else is known of the trials, for the record of the run."""
        return {"trials": len(self.settings), "pruned": len(self.pruned)}

    @property
    def optuna_study(self) -> Any:
        """Optuna's own account of the trials but the first."""
        return self._study

    def _train(self, group: Group) -> list[list[FoldScore]]:
        made = [self.prepare(*one.assignments) for one in group.trials]
        if not group.folds:
            return [[whole_score(*both)] for both in made]
        configs = [config for _, config in made]
        return fold_scores(made[0][0], configs, self.folds, group.folds)

    def _groups(self, missing: Iterable[tuple[Setting, Sequence[int]]], jobs: int) -> list[Group]:
        """Those that train together: of one shape, few enough for the cache, some for each job."""
        alike: defaultdict[tuple[Any, ...], list[Setting]] = defaultdict(list)
        for one, folds in missing:
            alike[in_common(self.prepare(*one.assignments)[1]), *folds].append(one)
        return [
            Group(self.name, trials, folds)
            for (_, *folds), every in alike.items()
            for trials in dealt(every, most_alike(*self.prepare(*every[0].assignments)), jobs)
        ]

    @property
    def _late(self) -> bool:
        """Whether the time is over; by the trials proposed, for a journal may know more already."""
        spent = sum(self._seconds[one.number] for one in self.settings)
        return self.spec.max_time is not None and spent >= self.spec.max_time

    @property
    def _steps(self) -> list[int]:
        """How many folds each step goes to."""
        full = len(self.folds.folds)
        return [full] if self.spec.pruner == "none" else [*rounds(full), full]

    def _scored(self, number: int, folds: Sequence[int]) -> Iterator[FoldScore]:
        yield from (self._scores[number, f] for f in folds if (number, f) in self._scores)

    def _missing(self, folds: int) -> Iterator[tuple[Setting, list[int]]]:
        """The folds that trials still have to do to be through so many."""
        for one in self.settings:
            if one.failure or one.number in self.pruned:
                continue
            missing = [f for f in range(folds) if (one.number, f) not in self._scores]
            failed = any(score.failure for score in self._scored(one.number, range(folds)))
            if missing and not failed:
                yield one, missing

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
            trial.report(Candidate("", tuple(scores)).mean(self.metric).value, folds)
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
                self._study.tell(trial, one.mean(self.metric).value)
        self._batch = []

    def _tell_first(self) -> None:
        """Let Optuna know what the config as it is has come to."""
        one = self.candidates[0]
        if not self.begin or one.failure or len(one.scores) < len(self.folds.folds):
            return
        self._study.enqueue_trial(dict(self.begin))
        trial = self._study.ask()
        for path, distribution in self.space.items():
            distribution.draw(trial, path)
        self._study.tell(trial, one.mean(self.metric).value)

    def _ask(self) -> None:
        """Propose the next batch."""
        if len(self.settings) == 1:
            self._tell_first()
        for _ in range(min(self.spec.batch, self.spec.trials - len(self.settings))):
            trial = self._study.ask()
            values = {path: one.draw(trial, path) for path, one in self.space.items()}
            self._batch.append(trial)
            self.settings.append(self._setting(len(self.settings), values))

    def _setting(self, number: int, values: Mapping[str, Any]) -> Setting:
        try:
            self.prepare(*assignments_of(values))
        except BpcliError as error:
            return Setting(number, values, reason_of(error))
        return Setting(number, values)

    def _open(self) -> Iterator[tuple[Setting, Any]]:
        """The settings of the batch with Optuna's trials."""
        if self._batch:
            yield from zip(self.settings[-len(self._batch) :], self._batch, strict=True)


def _metric(asked: Metric | None, predicts: Kind) -> Metric:
    """What the search goes by.  Raises ConfigError for a metric of another task."""
    if asked is None:
        return goal(predicts)
    if asked.measures != predicts:
        what = f"{asked.name} is of {asked.measures}, the network predicts {predicts}"
        fix = f"write one of {', '.join(one.name for one in metrics_for(predicts))}"
        raise ConfigError(Problem("BP-C180", "tune.metric", what, fix))
    return asked
