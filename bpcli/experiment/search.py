"""What a config says about the searches: for a learning rate, and for any of its values."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from bpcli.config.component import Spec
from bpcli.experiment.distributions import Distribution
from bpcli.metrics.metric import Metric

Sampler = Literal["tpe", "random"]
Pruner = Literal["none", "median", "halving", "hyperband"]
Rule = Literal["lowest-loss", "min", "one-se"]
Grid = Literal["fixed", "range-test"]


class LrSweepSpec(Spec):
    """The learning rates that `bpcli lr-sweep` tries, and how it chooses one."""

    lowest: Annotated[float, Field(gt=0, description="lowest learning rate")] = 1e-5
    highest: Annotated[float, Field(gt=0, description="highest learning rate")] = 1.0
    rates: Annotated[
        int, Field(ge=2, le=1000, description="learning rates, at equal ratios, of three digits")
    ] = 12
    grid: Annotated[
        Grid,
        Field(
            description="fixed: from lowest to highest; range-test: within them, from a tenth of "
            "the valley of a short range test to its rate of the lowest loss, a heuristic"
        ),
    ] = "fixed"
    rule: Annotated[
        Rule,
        Field(
            description="lowest-loss: of the rates whose mean score is at most one standard error "
            "worse than the best, the one with the lowest mean loss; one-se: the lowest of them; "
            "min: the best mean score"
        ),
    ] = "lowest-loss"
    halving: Annotated[
        bool,
        Field(
            description="successive halving: after 2, 4, 8 … folds only the better half of the "
            "rates goes on, so that most of the time goes to those that may win"
        ),
    ] = False
    extend: Annotated[
        int,
        Field(ge=0, le=100, description="most rates added beyond an end where the best one lies"),
    ] = 6

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.lowest >= self.highest:
            raise PydanticCustomError(
                "invalid_value",
                "expected lowest below highest, got {lowest} and {highest}",
                {"lowest": self.lowest, "highest": self.highest},
            )
        return self


class TuneSpec(Spec):
    """The settings that `bpcli tune` tries, and how it chooses what to try next."""

    trials: Annotated[
        int, Field(ge=1, le=100_000, description="settings to try, the config itself among them")
    ] = 40
    max_time: Annotated[
        float | None,
        Field(
            gt=0,
            description="seconds of training, over all processes, that end the proposals; with "
            "outer_folds each of the searches has so many of its own",
        ),
    ] = None
    outer_folds: Annotated[
        int | None,
        Field(
            ge=2,
            le=1000,
            description="nested cross-validation: so many times the whole search is done again "
            "without a part of the rows that do not test, and its winner is scored on that part: "
            "what the search as a whole is good for, by rows that chose nothing",
        ),
    ] = None
    space: Annotated[
        dict[str, Distribution] | None,
        Field(
            description="{path: distribution}, such as learning_rate: {log_uniform: [1e-4, 0.1]}; "
            "default: what is worth trying of the preset (width, depth, activation, normalisation, "
            "dropout, embedding), and learning rate, weight decay and batch size around its own; "
            "of a network of your own these three"
        ),
    ] = None
    metric: Annotated[
        Metric | None,
        Field(
            description="what makes a trial the best, such as roc_auc; default: log_loss where "
            "classes are predicted, since accuracy moves in steps of a row; else the task's first"
        ),
    ] = None
    sampler: Annotated[
        Sampler,
        Field(description="tpe: tree-structured Parzen estimator, which learns from the trials"),
    ] = "tpe"
    pruner: Annotated[
        Pruner,
        Field(description="none, or how a trial that does badly on its first folds is ended"),
    ] = "none"
    batch: Annotated[
        int,
        Field(
            ge=1,
            le=1000,
            description="trials proposed at once, however many processes work on them: what a "
            "proposal can learn from, and so what it is, depends on it",
        ),
    ] = 4
