"""The results that a task has."""

from __future__ import annotations

from pathlib import Path

from bpcli.experiment.fit import Fit
from bpcli.experiment.members import Members
from bpcli.runs.clusters import ClusterOutcome, ClusterResults
from bpcli.runs.reconstruction import LatentOutcome, LatentResults
from bpcli.runs.results import Outcome, Results

AnyOutcome = Outcome | ClusterOutcome | LatentOutcome
AnyResults = Results | ClusterResults | LatentResults


def results_of(members: Members, fit: Fit, folder: Path) -> AnyResults:
    """What trained members come to."""
    kind = members.problem.prepared.target.kind
    if kind == "clusters":
        return ClusterResults.of(members.problem, fit, folder)
    if kind == "latent":
        return LatentResults.of(members.problem, fit, folder)
    return Results.of(members, fit, folder)
