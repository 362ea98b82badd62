"""The audit of a config: what is said whenever data are read, and what only a check looks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import Notice, NotMetError, Problem
from bpcli.data.prepare import Prepared
from bpcli.data.roles import describe_roles, describe_suspects
from bpcli.data.suspicions import describe_suspicions
from bpcli.experiment.imbalance import imbalance
from bpcli.experiment.problem import LearningProblem
from bpcli.insight.audit.columns import alone, numbered, rare
from bpcli.insight.audit.drift import drift
from bpcli.insight.audit.rows import contradicting, crossing_groups, crossing_time, repeated


class Audit(NamedTuple):
    """What was found, and what else was said."""

    findings: tuple[Notice, ...]
    notes: tuple[Notice, ...]

    def require_none(self) -> None:
        """Raises NotMetError where there are findings."""
        if self.findings:
            raise NotMetError(*(Problem(*one) for one in self.findings))


def audit(problem: LearningProblem) -> Audit:
    """Everything but trainings."""
    prepared = problem.prepared
    found = (*_said(prepared), *_looked_for(problem))
    others = (one for one in (*prepared.notices, *imbalance(problem)) if one not in found)
    return Audit(found, tuple(others))


def _said(prepared: Prepared) -> Iterator[Notice]:
    """What is found whenever data are read, from which a score or the user may suffer."""
    table, columns = prepared.table, prepared.columns
    yield from describe_roles(tuple(c for c in columns if c.role in ("id", "constant", "text")))
    yield from describe_suspects(table, columns)
    classes = prepared.task != "regression"
    yield from describe_suspicions(table, columns, prepared.sets, classes=classes)


def _looked_for(problem: LearningProblem) -> Iterator[Notice]:
    prepared, split = problem.prepared, problem.config.split
    used = np.flatnonzero(prepared.sets >= 0)
    yield from alone(prepared, used)
    yield from numbered(prepared, used)
    yield from rare(prepared, split.folds)
    yield from repeated(prepared)
    yield from contradicting(prepared)
    yield from crossing_groups(prepared)
    yield from crossing_time(prepared, prepared.split_method(split))
    yield from drift(prepared)
