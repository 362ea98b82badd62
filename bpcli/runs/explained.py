"""What an explanation is in files: one JSON for programs, and tables as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.insight.attribution import Attributions
from bpcli.insight.effects import Effect
from bpcli.runs.explain import Explanation
from bpcli.runs.files import make_folder, write_new
from bpcli.runs.tables import csv_text

SUMMARY = "explain.csv"
FACTS = "explain.json"
ATTRIBUTIONS = "attributions.csv"
EFFECTS = "effects.csv"
CURVES = "curves.csv"
Rows = Iterator[tuple[Any, ...]]


def explained(explanation: Explanation) -> dict[str, Any]:
    """The facts of an explanation, without those of single rows."""
    scored, found = explanation.scored, explanation.attributions
    score = None
    if scored is not None:
        score = {"metric": scored.metric, "value": scored.score, "repeats": scored.repeats}
    equations = explanation.equations
    return {
        "schema_version": 1,
        "file": explanation.file,
        "rows": len(explanation.rows),
        "of": explanation.of,
        "score": score,
        "columns": [dict(zip(_HEAD, row, strict=True)) for row in _summary(explanation)],
        "attributions": _attributions(found),
        "effects": [_effect(one, found.answers) for one in explanation.effects],
        **({} if equations is None else {"equations": equations._asdict()}),
    }


def write_explanation(explanation: Explanation, folder: Path, data: Path, *, force: bool) -> None:
    """All files of an explanation.  Raises OutputError where one is there already."""
    import json

    make_folder(folder)
    texts = {SUMMARY: csv_text(_HEAD, _summary(explanation)), ATTRIBUTIONS: _rows_csv(explanation)}
    if explanation.effects:
        texts |= {EFFECTS: _effects_csv(explanation), CURVES: _curves_csv(explanation)}
    facts = json.dumps(explained(explanation), indent=2, ensure_ascii=False, allow_nan=False)
    for name, text in {**texts, FACTS: facts + "\n"}.items():
        write_new(folder / name, text, keep=data, force=force)


_HEAD = ("column", "importance", "standard_error", "mean_abs_attribution")


def _summary(explanation: Explanation) -> Rows:
    """A line for each column, and for each group that was permuted together."""
    found = explanation.attributions
    strength = dict(zip(found.columns, found.strength().mean(axis=0).tolist(), strict=True))
    if explanation.scored is None:
        yield from ((name, None, None, value) for name, value in strength.items())
        return
    for one in explanation.scored.importances:
        alone = strength[one.columns[0]] if len(one.columns) == 1 else None
        mean = one.mean if np.isfinite(one.mean) else None
        yield " + ".join(one.columns), mean, one.standard_error if mean is not None else None, alone


def _attributions(found: Attributions) -> dict[str, Any]:
    strength = found.strength().tolist()
    pairs = zip(found.answers, strength, strict=True)
    named = {answer: dict(zip(found.columns, row, strict=True)) for answer, row in pairs}
    largest = float(np.abs(found.gap).max(initial=0))
    return {"method": found.method, "largest_gap": largest, "mean_abs": named}


def _effect(one: Effect, answers: tuple[str, ...]) -> dict[str, Any]:
    local = None if one.local is None else dict(zip(answers, one.local.T.tolist(), strict=True))
    return {
        "column": one.column,
        "values": list(one.values),
        "partial_dependence": dict(zip(answers, one.dependence.T.tolist(), strict=True)),
        "accumulated_local_effects": local,
    }


def _rows_csv(explanation: Explanation) -> str:
    """A line for each row and answer: the prediction, its baseline, what each column adds."""
    found = explanation.attributions
    head = ["row", "answer", "prediction", "baseline", "gap", *found.columns]
    sampled = found.standard_error
    if sampled is not None:
        head += [f"{name} (standard error)" for name in found.columns]

    def lines() -> Rows:
        for i, row in enumerate(explanation.rows.tolist()):
            for j, answer in enumerate(found.answers):
                numbers = [found.prediction[i, j], found.baseline[i, j], found.gap[i, j]]
                errors = [] if sampled is None else sampled[i, j].tolist()
                yield row + 1, answer, *map(float, numbers), *found.values[i, j].tolist(), *errors

    return csv_text(head, lines())


def _effects_csv(explanation: Explanation) -> str:
    answers = explanation.attributions.answers

    def lines() -> Rows:
        for one in explanation.effects:
            for g, value in enumerate(one.values):
                for m, answer in enumerate(answers):
                    local = None if one.local is None else float(one.local[g, m])
                    yield one.column, value, answer, float(one.dependence[g, m]), local

    return csv_text(("column", "value", "answer", "partial_dependence", "local_effect"), lines())


def _curves_csv(explanation: Explanation) -> str:
    """ICE: the prediction of single rows with the column at each value."""
    answers, rows = explanation.attributions.answers, explanation.rows

    def lines() -> Rows:
        for one in explanation.effects:
            for k, row in enumerate(rows[one.curve_rows].tolist()):
                for g, value in enumerate(one.values):
                    for m, answer in enumerate(answers):
                        yield one.column, row + 1, value, answer, float(one.curves[k, g, m])

    return csv_text(("column", "row", "value", "answer", "prediction"), lines())
