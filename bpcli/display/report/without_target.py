"""What a network came to that has learned no target: clusters, or a few numbers for each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bpcli.data.without_target import CLUSTERING
from bpcli.display.figures import number
from bpcli.display.report import charts
from bpcli.runs.folder import RECONSTRUCTION

if TYPE_CHECKING:
    from bpcli.runs.report import Report

_SETS = ("train", "validation", "test")
Scores = Mapping[str, Mapping[str, float]]


def result(report: Report) -> dict[str, Any]:
    """The first part of the page, and what stands above it."""
    metrics, record = report.metrics, report.stored.record
    sets = [name for name in _SETS if name in metrics]
    held_out = sets[-1]
    clusters = record["task"] == CLUSTERING
    return {
        "subtitle": f"{record['task']}; run {record['run']}",
        "scores": _scores(metrics, sets, held_out),
        "result_lines": [f"The baseline is {metrics['baseline']['predicts']}."],
        "held_out": held_out,
        "confusion": None,
        "details": _centres(metrics["clusters"]) if clusters else _columns(report, held_out),
        "judged": _picture(report),
        "unrun": "",
    }


def _scores(metrics: Mapping[str, Any], sets: Sequence[str], held_out: str) -> dict[str, Any]:
    """Every set, and what stands beside the last: K-means or principal components, the baseline."""
    beside: Scores = metrics.get("plain") or {}
    columns = {name: metrics[name] for name in sets}
    columns |= {name: scores[held_out] for name, scores in beside.items()}
    if "principal_components" in metrics:
        columns["principal components"] = metrics["principal_components"][held_out]
    columns["baseline"] = metrics["baseline"][held_out]
    rows = [
        (name, *(number(one.get(name)) for one in columns.values())) for name in metrics[held_out]
    ]
    return {"heads": ["metric", *columns], "rows": rows}


def _centres(clusters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A column a cluster: its rows, and its centre in the units of the table."""
    heads = ["", *(f"cluster {one['cluster']}" for one in clusters)]
    rows = [("rows", *(f"{one['rows']:,}" for one in clusters))]
    rows += [
        (name, *(number(one["centre"][name]) for one in clusters)) for name in clusters[0]["centre"]
    ]
    return {"title": "Clusters, training rows", "heads": heads, "rows": rows}


def _columns(report: Report, held_out: str) -> dict[str, Any]:
    """The error of each column, by the network and by what stands beside it."""
    errors = report.stored.table(RECONSTRUCTION)
    heads = list(errors[0])
    rows = [(one[heads[0]], *(number(float(one[key])) for key in heads[1:])) for one in errors]
    return {"title": f"By column, {held_out} rows", "heads": heads, "rows": rows}


def _picture(report: Report) -> list[tuple[str, str]]:
    if report.plane is None:
        return []
    caption = "Training rows by cluster, with the centres."
    return [(charts.clusters(report.plane), caption)]
