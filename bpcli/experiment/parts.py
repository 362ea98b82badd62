"""Parts of a config: when training stops, several networks, what is written on the way."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from bpcli.config.component import Spec
from bpcli.nn.update import Regularization

Count = Annotated[int, Field(ge=1)]


class StopSpec(Spec):
    """When training ends before its last epoch; the first rule to fire wins."""

    threshold: Annotated[
        float | None,
        Field(gt=0, description="stop once an epoch's mean training loss is below it"),
    ] = None
    patience: Annotated[
        int | None,
        Field(ge=1, description="stop after so many epochs without a better monitored number"),
    ] = None
    epoch: Annotated[
        int | None,
        Field(ge=1, description="stop after this epoch; schedules stay those of the whole length"),
    ] = None
    gradient_norm: Annotated[
        float | None,
        Field(
            gt=0,
            description="stop once ‖g‖₂ of an epoch's last batch is below it; with "
            "batch_size: full that is the gradient of all training rows",
        ),
    ] = None
    max_time: Annotated[
        float | None,
        Field(
            gt=0,
            description="stop at the end of the epoch in which so many seconds of "
            "training are over; the result then depends on the machine",
        ),
    ] = None
    target_metric: Annotated[
        float | None,
        Field(
            description="stop once the validation rows' first metric is at least as good: "
            "accuracy for classes and f1_micro for labels (above), rmse for numbers (below)"
        ),
    ] = None
    min_delta: Annotated[
        float,
        Field(
            ge=0,
            description="how much better than the best so far a monitored number must be to "
            "count as better",
        ),
    ] = 0.0
    monitor: Annotated[
        Literal["auto", "validation_loss", "validation_metric", "train_loss"],
        Field(
            description="what patience and the best epoch look at; validation_metric is the one "
            "of target_metric, and of equal epochs the last is the best; auto: the preset's, or "
            "validation_loss; train_loss where there are no validation rows"
        ),
    ] = "auto"
    restore_best: Annotated[
        bool | None,
        Field(
            description="end with the best epoch's weights; default: with patience, and for presets"
        ),
    ] = None


class FoldsSpec(Spec):
    """An ensemble over folds: each member leaves one out, which then validates it."""

    folds: Annotated[
        int,
        Field(
            ge=2,
            le=256,
            description="members; each is trained without one fold of all rows but the test rows, "
            "so that every one of these is predicted by a member that has not seen it",
        ),
    ]
    penalty_factors: Annotated[
        tuple[Annotated[float, Field(gt=0)], ...],
        Field(
            strict=False,
            min_length=1,
            description="how many times as strong the penalties of `regularization` are for the "
            "members, in turn: [1, 4] for the first, the second, the third as for the first",
        ),
    ] = (1.0,)

    def penalties(self, penalties: Regularization, member: int) -> Regularization:
        """Those of a member, by its number from 0."""
        return penalties.times(self.penalty_factors[member % len(self.penalty_factors)])


def _ensemble_form(value: Any) -> str:
    return "a mapping" if isinstance(value, dict | FoldsSpec) else "members"


Ensemble = Annotated[
    Annotated[int, Field(ge=2, le=256), Tag("members")] | Annotated[FoldsSpec, Tag("a mapping")],
    Discriminator(_ensemble_form),
]


class OutputSpec(Spec):
    """What is written while training."""

    checkpoint_every: Annotated[
        Annotated[float, Field(ge=0)] | Literal["auto"],
        Field(
            description="seconds between two checkpoints; 0: at each update; auto: 30, or 20 times "
            "what writing one takes where that is more. The end, Ctrl-C and SIGTERM write one too"
        ),
    ] = "auto"
    diagnostics_every: Annotated[
        Count,
        Field(
            description="updates between two looks at the layers, for diagnostics.csv, each at the "
            "end of an epoch; fewer make the looks cost more than a twentieth of small networks"
        ),
    ] = 400
