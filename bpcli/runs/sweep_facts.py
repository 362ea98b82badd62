"""What a learning-rate sweep has found, as a table and as plain values."""

from __future__ import annotations

from typing import Any

from bpcli.runs.tables import csv_text
from bpcli.selection.choice import Candidate, Choice
from bpcli.selection.search import RateSearch


def sweep_table(search: RateSearch) -> str:
    """One row for each rate and fold."""
    also = [search.also] if search.also else []
    metric = f"validation_{search.study.metric.name}"
    header = (
        *also, "learning_rate", "repeat", "fold", "validation_loss", metric,
        *("epoch", "epochs", "stop_reason", "failure"),
    )  # fmt: skip
    trials = (trial for one in search.candidates for trial in one.trials)
    rows = ((t.setting, *t[1:4], *t[5:]) for t in trials)
    return csv_text(header, (row[0 if also else 1 :] for row in rows))


def sweep_facts(search: RateSearch) -> dict[str, Any]:
    """The summary: every candidate and the choice."""
    choice, metric = search.choice, search.study.metric
    return {
        "schema_version": 1,
        "metric": metric.name,
        "better": metric.better,
        "rule": search.spec.rule,
        "folds": search.study.facts(),
        "also": search.also or None,
        "grid_by": search.spec.grid,
        "grid": list(search.grid),
        "added": search.added,
        "candidates": [_candidate(one) for one in search.candidates],
        "choice": choice and _choice(choice),
    }


def _candidate(one: Candidate) -> dict[str, Any]:
    score, loss = one.score, one.loss
    return {
        **({"setting": one.setting} if one.setting else {}),
        "learning_rate": one.rate,
        "mean": score and score.value,
        "standard_error": score and score.error,
        "mean_loss": loss and loss.value,
        "failed_folds": one.failed,
        "folds": len(one.trials),
        "out": one.out,
        "mean_epoch": one.epoch,
        "epochs": one.epochs,
    }


def _choice(choice: Choice) -> dict[str, Any]:
    runner_up = choice.runner_up
    return {
        **({"setting": choice.winner.setting} if choice.winner.setting else {}),
        "learning_rate": choice.winner.rate,
        "runner_up": runner_up and _candidate(runner_up),
        "p": choice.p,
        "alike": [_candidate(one) for one in choice.alike],
    }
