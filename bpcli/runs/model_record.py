"""What a model file says of the run that it is of."""

from __future__ import annotations

from bpcli import __version__
from bpcli.data.prepare import Prepared
from bpcli.experiment.predictor import Ensemble
from bpcli.experiment.problem import LearningProblem
from bpcli.runs.folder import environment
from bpcli.runs.identity import Identity
from bpcli.runs.model import MemberRecord, ModelRecord


def model_record(problem: LearningProblem, ensemble: Ensemble, identity: Identity) -> ModelRecord:
    """The record of what a run has trained."""
    prepared, config = problem.prepared, problem.config
    return ModelRecord(
        bpcli=__version__,
        run=identity.run,
        task=prepared.task,  # type: ignore[arg-type]
        target=ensemble.target,
        ids=ids_of(prepared),
        features=prepared.features.layout,
        layers=problem.network.layers,
        loss=problem.loss,
        calibration=ensemble.calibration.method,
        conformal=ensemble.conformal and ensemble.conformal.spec,
        dtype=config.dtype,
        replicas=ensemble.size,
        members=_member_records(ensemble),
        threads=environment()["blas_threads"],
        config=identity.config,
        data_sha256=prepared.table.sha256,
        environment=environment(),
    )


def ids_of(prepared: Prepared) -> tuple[str, ...]:
    """The columns that name rows, which predictions copy."""
    return tuple(column.name for column in prepared.columns if column.role == "id")


def _member_records(ensemble: Ensemble) -> tuple[MemberRecord, ...]:
    """The parts of a model that has several, each with preprocessing of its own."""
    if len(ensemble.parts) == 1:
        return ()
    return tuple(
        MemberRecord(features=part.features.layout, layers=part.network.layers)
        for part in ensemble.parts
    )
