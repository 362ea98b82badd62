"""The results that a task has."""

from __future__ import annotations

from pathlib import Path

from bpcli.experiment.fit import Fit
from bpcli.experiment.members import Members
from bpcli.runs.clusters import ClusterOutcome, ClusterResults
from bpcli.runs.results import Outcome, Results

AnyOutcome = Outcome | ClusterOutcome


def results_of(members: Members, fit: Fit, folder: Path) -> Results | ClusterResults:
    """What trained members come to."""
    if members.problem.prepared.target.kind == "clusters":
        return ClusterResults.of(members, fit, folder)
    return Results.of(members, fit, folder)
