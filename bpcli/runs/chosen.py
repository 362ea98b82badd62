"""A copy of a config with the learning rate that a sweep chose, and a comment that says so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bpcli.runs.copied import write_copy
from bpcli.runs.sweep import SweepRun
from bpcli.selection.choice import Candidate


def write_chosen(run: SweepRun, path: Path, assignments: Sequence[str], *, force: bool) -> None:
    """Write it; the user's own text stays, and relative data paths still lead to the data."""
    choice, given = run.search.choice, run.loaded
    assert choice is not None
    rate, *second = run.chosen
    with_it = "lr-sweep chose it together with learning_rate"
    changes = {rate: _why(run, choice.winner, assignments), **dict.fromkeys(second, with_it)}
    write_copy(given, path, changes, force=force)


def _why(run: SweepRun, winner: Candidate, assignments: Sequence[str]) -> str:
    """`lr-sweep chose 0.01 of 12 rates: accuracy 0.967 ± 0.011, rule min, 5 stratified folds`"""
    facts, score = run.facts(), winner.score
    assert score is not None
    error = "" if score.error is None else f" ± {score.error:.3g}"
    folds = facts["folds"]
    times = f" {folds['repeats']} times," if folds["repeats"] > 1 else ""
    own = "".join(f" --set {one}" for one in assignments if not one.startswith("lr_sweep."))
    return (
        f"lr-sweep chose {winner.rate:g} of {len(facts['candidates'])}: {facts['metric']} "
        f"{score.value:.4g}{error}, rule {facts['rule']}, {folds['folds']} {folds['method']} folds,"
        f"{times} seed {run.config.seed}{',' if own else ''}{own}"
    )
