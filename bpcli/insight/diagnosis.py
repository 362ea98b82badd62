"""Train for a while, look, and say what ails the networks of a config."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bpcli.config.errors import Notice, NumericError
from bpcli.experiment.fit import Fit
from bpcli.experiment.members import Members
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.replicas import Replica
from bpcli.experiment.stopping import Record
from bpcli.insight.evidence import Evidence
from bpcli.insight.look import Reading
from bpcli.insight.rules import diagnose
from bpcli.insight.rules.rule import Finding
from bpcli.insight.watch import Watch

EVERY = 100  # updates between two looks at a trial
FEWEST = 100  # updates of a trial
WORK = 2e11  # multiplications of a trial, some seconds


class Told(NamedTuple):
    """A finding, and which of several networks have it."""

    finding: Finding
    members: tuple[int, ...]
    of: int

    @property
    def where(self) -> str:
        """Which network, if not all, and where in it."""
        some = f"members {', '.join(map(str, self.members))}, " if len(self.members) > 1 else ""
        some = f"member {self.members[0]}, " if len(self.members) == 1 < self.of else some
        return ("" if len(self.members) == self.of else some) + self.finding.where

    def notice(self) -> Notice:
        """One line about it."""
        rule = self.finding.rule
        return Notice(rule.id, self.where, f"{rule.name}: {self.finding.what}")


def together(found: Sequence[Sequence[Finding]]) -> list[Told]:
    """The findings of several networks, each kind once: as the first one shows it."""
    told: dict[str, tuple[Finding, list[int]]] = {}
    for number, findings in enumerate(found, 1):
        for one in findings:
            told.setdefault(one.rule.name, (one, []))[1].append(number)
    return [Told(one, tuple(members), len(found)) for one, members in told.values()]


def of_replicas(
    replicas: Sequence[Replica], readings: Sequence[Reading], records: Sequence[Record]
) -> list[Told]:
    """What ails the networks of a training that has ended."""
    return together([_diagnosed(n, one, readings, records) for n, one in enumerate(replicas, 1)])


def _diagnosed(
    number: int,
    replica: Replica,
    readings: Sequence[Reading],
    records: Sequence[Record],
    diverged: str = "",
) -> list[Finding]:
    problem = replica.lesson.problem
    return diagnose(
        Evidence(
            problem.config,
            [one for one in readings if one.member == number],
            [one for one in records if one.member == number],
            problem.method().iterations,
            replica.best_epoch,
            diverged,
        )
    )


class _Enough(Exception):
    """A trial has done its work."""


def trial(problem: LearningProblem, work: float = WORK) -> list[Told]:
    """Train as the config says, as many updates as `work` multiplications pay for, and diagnose.

    Of an ensemble the first member. Schedules stay those of the whole training.
    """
    replica = Members.of(problem).replicas()[0]
    method = replica.lesson.problem.method()
    one = 6 * max(1, problem.network.size) * method.batch_size  # forward, and twice that back
    most = max(FEWEST, int(work / one))

    def pause() -> None:
        if fit.group.state.iteration >= most:
            raise _Enough

    fit = Fit([replica], pause=pause)
    seen, diverged = Watch(fit, min(EVERY, method.iterations)), ""
    seen.begin()
    try:
        for record in fit:
            seen.follow(record)
    except _Enough:
        replica.kept = replica.kept if replica.kept is not None else fit.group.weights(0).copy()
    except NumericError as error:
        diverged = error.problems[0].what
    if not diverged:
        seen.end()
    return together([_diagnosed(1, replica, seen.readings, fit.records, diverged)])
