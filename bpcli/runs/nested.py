"""What a nested cross-validation has found, as facts and as a table."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean
from typing import Any

from bpcli.runs.tables import cell, csv_text
from bpcli.selection.nested import NestedTuning, OuterFold
from bpcli.selection.statistics import Mean

NESTED = "nested.csv"


def nested_facts(tuning: NestedTuning) -> dict[str, Any] | None:
    """The outer scores and their mean; no mean where an outer fold has no score.

    None where no outer folds were asked for.
    """
    if not tuning.without:
        return None
    folds = [_fold(one) for one in tuning.outer]
    scores = [(one["inner"], one["outer"]) for one in folds if not one["failure"]]
    inner, outer = zip(*scores, strict=True) if len(scores) == len(folds) else ((), ())
    mean = Mean.of(outer) if outer else None
    return {
        "outer_folds": len(folds),
        "method": tuning.folds.method,
        "mean": mean and mean.value,
        "standard_error": mean and mean.error,
        "inner_mean": fmean(inner) if mean else None,
        "optimism": fmean(inner) - mean.value if mean else None,
        "folds": folds,
    }


def nested_csv(tuning: NestedTuning, paths: Iterable[str]) -> str:
    """One row an outer fold: the winner without it, and its score on the inner and outer folds."""
    metric = tuning.whole.metric.name
    header = ("fold", "trial", f"inner_{metric}", f"outer_{metric}", "epochs", *paths, "failure")
    return csv_text(header, [_row(one, paths) for one in tuning.outer])


def _fold(one: OuterFold) -> dict[str, Any]:
    return {
        "fold": one.number,
        "trial": one.best and one.best.number,
        "inner": one.inner and one.inner.value,
        "outer": None if one.failure else one.outer,
        "values": dict(one.best.values) if one.best else {},
        "failure": one.failure,
    }


def _row(one: OuterFold, paths: Iterable[str]) -> list[Any]:
    facts = _fold(one)
    values = [cell(facts["values"].get(path)) for path in paths]
    scores = [facts[key] for key in ("fold", "trial", "inner", "outer")]
    return [*scores, one.epochs, *values, one.failure]
