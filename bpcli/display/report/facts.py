"""The facts of a report in the words, rows and charts of its page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from bpcli.display.figures import MISSING, counted, duration, number
from bpcli.display.overview import layer_rows
from bpcli.display.report import charts
from bpcli.display.report.judged import judged

if TYPE_CHECKING:
    from bpcli.runs.report import Report

_SETS = ("train", "validation", "test")
_CONTENTS = (
    ("result", "Result"),
    ("what-if", "What if"),
    ("why", "Importance"),
    ("training", "Training"),
    ("data", "Data"),
    ("again", "Reproduce"),
)


def facts_of(report: Report) -> dict[str, Any]:
    """Everything that the template asks for."""
    return {
        "contents": _CONTENTS,
        **_head(report),
        **_result(report),
        **_why(report),
        **_training(report),
        **_data(report),
        **_again(report),
    }


def _head(report: Report) -> dict[str, Any]:
    stored, target = report.stored, report.ensemble.target
    held_out = report.metrics["details"]["set"]
    best = list(report.metrics[held_out].items())[:3]
    record = stored.record
    tiles = [(f"{name}, {held_out} rows", number(value)) for name, value in best]
    tiles += [("parameters", f"{record['parameters']:,}"), ("epochs", f"{record['epochs']:,}")]
    about = f"{record['task']}, predicting {', '.join(target.columns)}; run {record['run']}"
    return {"title": stored.folder.resolve().name, "subtitle": about, "tiles": tiles}


def _result(report: Report) -> dict[str, Any]:
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
    lines = [f"The baseline is {metrics['baseline']['predicts']}."]
    return {
        "scores": {"heads": heads, "rows": rows},
        "result_lines": lines,
        "held_out": held_out,
        "confusion": _confusion(report, details),
        "details": _parts(details),
        "judged": judged(report),
        "unrun": report.unrun,
    }


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
            return {"title": f"By {kind}", "heads": [kind, *names], "rows": rows}
    return None


def _score(value: float | None) -> str:
    return f"{value:,}" if isinstance(value, int) else number(value)


def _why(report: Report) -> dict[str, Any]:
    found = report.explanation
    facts: dict[str, Any] = dict.fromkeys(
        ("importance", "importance_caption", "attribution", "attribution_caption"), ""
    )
    facts |= {"unexplained": report.unexplained, "why_lines": []}
    if found is None:
        return facts
    rows = f"{len(found.rows):,} {found.of} of {found.file}"
    facts["attribution"] = charts.attributions(found.attributions)
    facts["attribution_caption"] = (
        f"What each column adds to or takes from a prediction, mean |value|; "
        f"{found.attributions.method}, {rows}."
    )
    if found.scored is not None:
        facts["importance"] = charts.importances(found.scored)
        facts["importance_caption"] = (
            f"How much worse {found.scored.metric} ({number(found.scored.score)}) gets when a "
            f"column is shuffled, mean ± standard error of {found.scored.repeats} shuffles; {rows}."
        )
    facts["why_lines"] = [one.what for one in found.notices if one.id.startswith("BP-E")]
    return facts


class Epoch(NamedTuple):
    """A line of the history, for the charts."""

    epoch: int
    rate: float
    train_loss: float
    validation_loss: float | None


def _training(report: Report) -> dict[str, Any]:
    record, config = report.stored.record, report.stored.config
    history = [
        Epoch(
            int(row["epoch"]),
            float(row["learning_rate"]),
            float(row["train_loss"]),
            float(row["validation_loss"]) if row["validation_loss"] else None,
        )
        for row in report.history
    ]
    several = len({one.rate for one in history}) > 1
    return {
        "loss": charts.losses(history) if len(history) > 1 else "",
        "rate": charts.rates(history) if several else "",
        "sweep": "" if report.sweep is None else charts.sweep(report.sweep),
        "training": [*_course(record, config)],
        "layers": [
            (layer, " × ".join(map(str, shape)), f"{count:,}")
            for _, layer, shape, count in layer_rows(report.ensemble.parts[0].network)
        ],
        "diagnostics": _diagnostics(report),
    }


def _course(record: dict[str, Any], config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """How training went, a line each."""
    work = f"{counted(record['epochs'], 'epoch')}, {counted(record['iterations'], 'iteration')}"
    yield "trained", f"{work} in {duration(record['seconds'])}"
    if "stop_reason" in record:
        yield "stopped", str(record["stop_reason"])
    if record.get("best_epoch"):
        yield "weights of", f"epoch {record['best_epoch']}, the best one"
    for key in ("loss", "optimizer", "learning_rate", "schedule", "batch_size"):
        yield key.replace("_", " "), _written(config.get(key))


def _written(value: Any) -> str:
    """A component as a config writes it, on one line."""
    if isinstance(value, dict):
        return "; ".join(
            f"{key} {_written(one)}" if not isinstance(one, dict) else f"{key}: {_written(one)}"
            for key, one in value.items()
        )
    return MISSING if value is None else str(value)


def _diagnostics(report: Report) -> dict[str, Any] | None:
    """The newest line of each layer."""
    rows = report.diagnostics
    if not rows:
        return None
    key = "layer" if "layer" in rows[0] else next(iter(rows[0]))
    newest = {row[key]: row for row in rows}
    heads = [key, *(name for name in rows[0] if name != key)]
    return {"heads": heads, "rows": [[_cell(row[h]) for h in heads] for row in newest.values()]}


def _cell(text: str) -> str:
    try:
        return text if text.isdigit() else number(float(text))
    except ValueError:
        return text


def _data(report: Report) -> dict[str, Any]:
    record = report.stored.record
    account = record["data"]["account"]
    rows = account["rows"]
    counts = [(name, f"{n:,}") for name, n in rows.items() if isinstance(n, int) and n]
    counts += [(f"excluded: {why}", f"{n:,}") for why, n in rows["excluded"].items() if n]
    lines = [f"SHA-256 {record['data']['sha256']}"]
    filled = account.get("filled") or {}
    lines += [f"Gaps filled in {name}: {n}" for name, n in filled.items()]
    columns = [(c["name"], c["role"], c["reason"]) for c in record.get("columns", [])]
    return {
        "account": counts,
        "data_lines": lines,
        "columns": columns,
        "notices": [_notice(one) for one in record.get("notices", [])],
    }


def _notice(one: dict[str, Any]) -> str:
    where = f"{one['where']}: " if one.get("where") else ""
    return f"{one.get('id', '')} {where}{one['what']}".strip()


def _again(report: Report) -> dict[str, Any]:
    folder = report.stored.folder.name
    commands = [
        f"bpcli verify {folder}    # trains again and compares the bytes",
        f"bpcli train {folder}/config.resolved.yaml -o again",
        f"bpcli predict {folder} new.csv -o predictions.csv",
    ]
    environment = report.stored.record["environment"]
    return {
        "commands": "\n".join(commands),
        "environment": [(str(key), str(value)) for key, value in environment.items()],
    }
