"""Which learning rate wins, by which rule, and how sure that is.

The score is the first metric of the rows held out, by trainings in which they had no say. A rate
without a score in every fold cannot win. Equal means are told apart by the mean loss, then the
lower rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bpcli.experiment.search import Rule
from bpcli.selection.statistics import Mean, paired_p
from bpcli.selection.study import Trial

LEVEL = 0.05  # a p above it: the two cannot be told apart


class Candidate(NamedTuple):
    """A setting and a rate with its trials over the folds, in the order of the folds."""

    setting: str
    rate: float
    trials: tuple[Trial, ...]
    folds: int  # of which it has a trial, unless it is out of the race

    @property
    def out(self) -> bool:
        """Whether it was left behind before it had been through all folds."""
        return len(self.trials) < self.folds

    @property
    def failed(self) -> int:
        """Folds without a score."""
        return sum(1 for trial in self.trials if trial.failure)

    @property
    def failure(self) -> str:
        """How many folds have failed, and why the first one has."""
        first = next(trial.failure for trial in self.trials if trial.failure)
        return f"{self.failed} of {len(self.trials)} folds failed; the first: {first}"

    @property
    def score(self) -> Mean | None:
        """The metric over the folds that have one; None where all have failed."""
        return _mean(trial.metric for trial in self.trials)

    @property
    def loss(self) -> Mean | None:
        """The loss over the folds that have one."""
        return _mean(trial.loss for trial in self.trials)

    @property
    def epoch(self) -> float | None:
        """The mean epoch that the scored weights are of."""
        mean = _mean(trial.epoch for trial in self.trials)
        return mean and mean.value

    @property
    def epochs(self) -> int:
        """Epochs trained, over all folds."""
        return sum(trial.epochs for trial in self.trials)


class Choice(NamedTuple):
    """The winner by a rule, the best of the others, and the test between them."""

    winner: Candidate
    best: Candidate  # by the mean score alone
    runner_up: Candidate | None
    p: float | None  # of no difference between the two
    alike: tuple[Candidate, ...]  # that cannot be told apart from the winner, best first


def candidates_of(trials: Sequence[Trial], folds: int) -> list[Candidate]:
    """The trials by setting and rate; settings stay in their order, rates ascend."""
    ordered = sorted(trials, key=lambda trial: (trial.rate, trial.repeat, trial.fold))
    settings = dict.fromkeys(trial.setting for trial in trials)
    return [
        Candidate(setting, rate, tuple(own), folds)
        for setting in settings
        for rate in dict.fromkeys(trial.rate for trial in ordered)
        if (own := [t for t in ordered if (t.setting, t.rate) == (setting, rate)])
    ]


def choose(
    candidates: Sequence[Candidate],
    better: str,
    rule: Rule,
    held_out: float,
) -> Choice | None:
    """The winner by the rule; None where no candidate has a score in every fold."""
    ranked = rank(candidates, better)
    if not ranked:
        return None
    near = _near(ranked, better)
    winner = {
        "lowest-loss": min(near, key=_loss),
        "min": ranked[0],
        "one-se": min(near, key=lambda one: one.rate),
    }[rule]
    others = [one for one in ranked if one is not winner]
    p_of = {id(one): _p(winner, one, held_out) for one in others}
    alike = tuple(one for one in others if (p := p_of[id(one)]) is None or p > LEVEL)
    runner_up = others[0] if others else None
    return Choice(winner, ranked[0], runner_up, p_of[id(runner_up)] if runner_up else None, alike)


def rank(candidates: Iterable[Candidate], better: str) -> list[Candidate]:
    """The candidates with a score in every fold, the best first."""
    whole = (one for one in candidates if not (one.failed or one.out))
    return sorted(whole, key=lambda one: _order(one, better))


def _order(one: Candidate, better: str) -> tuple[float, float, float]:
    return _cost(one, better), *_loss(one)


def _loss(one: Candidate) -> tuple[float, float]:
    assert one.loss
    return one.loss.value, one.rate


def _cost(one: Candidate, better: str) -> float:
    """The score as a number that is better the lower it is."""
    assert one.score
    return -one.score.value if better == "higher" else one.score.value


def _near(ranked: Sequence[Candidate], better: str) -> list[Candidate]:
    """Those of the best one's setting within one standard error of the best."""
    best = ranked[0]
    assert best.score
    limit = _cost(best, better) + (best.score.error or 0.0)
    return [one for one in ranked if one.setting == best.setting and _cost(one, better) <= limit]


def _p(one: Candidate, other: Candidate, held_out: float) -> float | None:
    pairs = zip(one.trials, other.trials, strict=True)
    return paired_p([(a.metric or 0.0) - (b.metric or 0.0) for a, b in pairs], held_out)


def _mean(values: Iterable[float | None]) -> Mean | None:
    known = [value for value in values if value is not None]
    return Mean.of(known) if known else None
