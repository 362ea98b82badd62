"""What a network came to that has learned a target: scores, and charts of the rows held out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bpcli.display.figures import MISSING, number
from bpcli.display.report.judged import judged

if TYPE_CHECKING:
    from bpcli.runs.report import Report

_SETS = ("train", "validation", "test")


def result(report: Report) -> dict[str, Any]:
    """The first part of the page, and what stands above it."""
    details, record = report.metrics["details"], report.stored.record
    targets = ", ".join(report.ensemble.target.columns)
    return {
        "subtitle": f"{record['task']}, predicting {targets}; run {record['run']}",
        "scores": _scores(report),
        "result_lines": [f"The baseline is {report.metrics['baseline']['predicts']}."],
        "held_out": details["set"],
        "confusion": _confusion(report, details),
        "details": _parts(details),
        "judged": judged(report),
        "unrun": report.unrun,
    }


def _scores(report: Report) -> dict[str, Any]:
    """The metrics of each set, beside those of the baselines."""
    metrics, details = report.metrics, report.metrics["details"]
    held_out = details["set"]
    columns = {name: metrics[name] for name in _SETS if name in metrics}
    columns["baseline"] = metrics["baseline"].get(held_out, {})
    if "linear_baseline" in metrics:
        columns["linear model"] = metrics["linear_baseline"].get(held_out, {})
    spans = details["intervals"]
    rows = [
        (name, *(number(one.get(name)) for one in columns.values()), _span(spans.get(name)))
        for name in metrics[held_out]
    ]
    heads = ["metric", *columns, f"95 % interval, {held_out}"]
    return {"heads": heads, "rows": rows}


def _span(pair: list[float] | None) -> str:
    return f"{number(pair[0])} … {number(pair[1])}" if pair else MISSING


def _confusion(report: Report, details: dict[str, Any]) -> dict[str, Any] | None:
    """Counts, each with its share of the true class."""
    counts, target = details.get("confusion"), report.ensemble.target
    if counts is None or target.kind != "classes":
        return None
    rows = [
        (
            name,
            [{"count": f"{n:,}", "share": round(70 * n / max(1, sum(row)))} for n in row],
        )
        for name, row in zip(target.classes, counts, strict=True)
    ]
    return {"names": list(target.classes), "rows": rows}


def _parts(details: dict[str, Any]) -> dict[str, Any] | None:
    """The scores of each class, label, target or level."""
    for key in ("by_class", "by_label", "by_target", "by_level"):
        if key in details:
            parts = details[key]
            names = list(dict.fromkeys(name for one in parts.values() for name in one))
            rows = [(part, *(_score(one.get(n)) for n in names)) for part, one in parts.items()]
            kind = key.removeprefix("by_")
            title = f"By {kind}, {details['set']} rows"
            return {"title": title, "heads": [kind, *names], "rows": rows}
    return None


def _score(value: float | None) -> str:
    return f"{value:,}" if isinstance(value, int) else number(value)
