"""The facts of a report in the words, rows and charts of its page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from bpcli.data.without_target import UNSUPERVISED
from bpcli.display.figures import MISSING, counted, duration, number
from bpcli.display.overview import layer_rows
from bpcli.display.report import charts, with_target, without_target

if TYPE_CHECKING:
    from bpcli.runs.report import Report

_CONTENTS = {
    "result": "Result",
    "what-if": "What if",
    "why": "Importance",
    "training": "Training",
    "data": "Data",
    "again": "Reproduce",
}
_OF_TARGETS = ("what-if", "why")
_TILES = 3  # scores on top of the page


def facts_of(report: Report) -> dict[str, Any]:
    """Everything that the template asks for."""
    untaught = report.stored.record["task"] in UNSUPERVISED
    result = (without_target if untaught else with_target).result(report)
    contents = {k: name for k, name in _CONTENTS.items() if not (untaught and k in _OF_TARGETS)}
    return {
        "title": report.stored.folder.resolve().name,
        "contents": contents,
        "tiles": _tiles(report, result["held_out"]),
        **result,
        **_why(report),
        **_training(report),
        **_data(report),
        **_again(report),
    }


def _tiles(report: Report, held_out: str) -> list[tuple[str, str]]:
    """The first scores of the rows held out, and the size of it all."""
    record, best = report.stored.record, list(report.metrics[held_out].items())[:_TILES]
    tiles = [(f"{name}, {held_out} rows", number(value)) for name, value in best]
    sizes = [(name, f"{record[name]:,}") for name in ("parameters", "epochs")]
    return tiles + sizes


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
