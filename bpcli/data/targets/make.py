"""The target that a task asks for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bpcli.data.scalers import Scaler
from bpcli.data.table import Table
from bpcli.data.targets.classes import ClassTarget
from bpcli.data.targets.labels import Label, LabelTarget
from bpcli.data.targets.numbers import RegressionTarget
from bpcli.data.targets.unsupervised import ClusterTarget, LatentTarget
from bpcli.data.without_target import AUTOENCODER, CLUSTERING

AnyTarget = Annotated[
    RegressionTarget | ClassTarget | LabelTarget | ClusterTarget | LatentTarget,
    Field(discriminator="kind"),
]


def make_target(table: Table, columns: tuple[str, ...], task: str, scaler: Scaler) -> AnyTarget:
    """The target of a task; its classes are the labels of all rows."""
    if task == CLUSTERING:
        return ClusterTarget(label=table.spec.label)
    if task == AUTOENCODER:
        return LatentTarget(label=table.spec.label)
    if task == "regression":
        return RegressionTarget(names=columns, scaler=scaler)
    if task == "multilabel":
        return LabelTarget(labels=tuple(Label.of(table, name) for name in columns))
    (name,) = columns
    return ClassTarget(name=name, classes=tuple(sorted(table.cells(name).words)))
