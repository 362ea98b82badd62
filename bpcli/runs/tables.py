"""The CSV files of a run: exact numbers, a fixed line end, one header."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from bpcli.data.arrays import Ints
from bpcli.data.prepare import Prepared
from bpcli.data.split import SET_NAMES
from bpcli.data.table import Table
from bpcli.data.targets.target import Answer
from bpcli.data.targets.unsupervised import LatentTarget
from bpcli.experiment.embedding import embedded
from bpcli.experiment.predictor import Ensemble
from bpcli.experiment.reconstruction import row_errors
from bpcli.experiment.stopping import Record
from bpcli.insight.look import Reading
from bpcli.metrics.metric import Floats
from bpcli.nn.room import cut_rows
from bpcli.runs.spreadsheet import Column

_CELLS = 16  # of a row: what of many rows is text at once


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A CSV; floats as the shortest text that reads back to the same number, None as empty."""
    return _csv_rows(chain([header], rows))


def cell(value: Any) -> Any:
    """Any value of a config, as a cell of a CSV."""
    return value if value is None or isinstance(value, (int, float, str)) else json.dumps(value)


def _csv_rows(rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def history_csv(records: Iterable[Record], metric: str) -> str:
    """One row an epoch, of an ensemble with its member; the metric is of the validation rows."""
    header = [
        *("epoch", "iteration", "learning_rate", "train_loss", "validation_loss"),
        *(f"validation_{metric}", "gradient_norm", "seconds", "member"),
    ]
    records = list(records)
    cells = len(header) if any(record.member > 1 for record in records) else -1
    rows = (record._replace(seconds=round(record.seconds, 6))[:cells] for record in records)
    return csv_text(header[:cells], rows)


def history_of(text: str) -> list[Record]:
    """The records that `history_csv` wrote.  Raises ValueError for what it did not write."""
    rows = list(csv.reader(io.StringIO(text)))[1:]
    return [_record(*row) for row in rows]


def _record(epoch: str, iteration: str, *values: str) -> Record:
    """A line of the history; an empty cell is a value that there is not."""
    cells, member = values[:6], values[6:]
    numbers: list[Any] = [float(cell) if cell else None for cell in cells]
    return Record(int(epoch), int(iteration), *numbers, *map(int, member))


def diagnostics_csv(readings: Iterable[Reading]) -> str:
    """One row a layer and look, of an ensemble with its member."""
    readings = list(readings)
    cells = None if any(one.member > 1 for one in readings) else -1
    return csv_text(Reading._fields[:cells], (one[:cells] for one in readings))


def diagnostics_of(text: str) -> list[Reading]:
    """The readings that `diagnostics_csv` wrote.  Raises ValueError for what it did not write."""
    return [_reading(*row) for row in list(csv.reader(io.StringIO(text)))[1:]]


def _reading(epoch: str, iteration: str, layer: str, name: str, *values: str) -> Reading:
    cells, member = values[:_MEASURED], values[_MEASURED:]
    if len(cells) < _MEASURED:
        raise ValueError("a line is too short")
    numbers: list[Any] = [float(cell) if cell else None for cell in cells]
    return Reading(int(epoch), int(iteration), layer, name, *numbers, *map(int, member))


_MEASURED = len(Reading._fields) - 5  # its cells that are measured


def split_csv(prepared: Prepared, folds: Sequence[int | None] | None = None) -> Iterator[str]:
    """Which set each row belongs to, and which fold holds it out where there are folds; rows
    count from 1, the first one below the header.  Part by part."""
    sets = prepared.sets
    header = ("row", "set") if folds is None else ("row", "set", "fold")
    yield csv_text(header, ())
    for own in cut_rows(len(sets), _CELLS):
        columns: list[Sequence[Any]] = [
            range(own.start + 1, own.stop + 1),
            [SET_NAMES[which] for which in sets[own].tolist()],
        ]
        if folds is not None:
            columns.append(folds[own])
        yield _csv_rows(zip(*columns, strict=True))


def predictions_csv(
    table: Table,
    rows: Ints,
    ids: Sequence[str],
    ensemble: Ensemble,
    prediction: Floats,
) -> Iterator[str]:
    """Row number, ids, the targets where the table has them, and what the model answers, part by
    part."""
    for own in cut_rows(len(rows), _CELLS):
        columns = prediction_columns(table, rows[own], ids, ensemble, prediction[own])
        yield columns_csv(columns, header=own.start == 0)


def prediction_columns(
    table: Table,
    rows: Ints,
    ids: Sequence[str],
    ensemble: Ensemble,
    prediction: Floats,
) -> list[Column]:
    """The columns of a CSV of predictions, by name; `prediction` is that of the rows."""
    target = ensemble.target
    copied = [name for name in (*ids, *target.copied) if name in table.names]
    return [
        ("row", (rows + 1 + table.start).tolist()),
        *((name, table.texts(name, rows).tolist()) for name in copied),
        *_answers(table, rows, ensemble, prediction),
    ]


def _answers(table: Table, rows: Ints, ensemble: Ensemble, prediction: Floats) -> list[Answer]:
    """What a model says of rows; of an autoencoder the latent numbers, and how far the inputs that
    it makes of them are off."""
    target = ensemble.target
    if not isinstance(target, LatentTarget):
        return target.answers(prediction, ensemble.loss.quantiles())
    x = ensemble.features.encode(table)[rows]
    latent = target.answers(embedded(ensemble.parts[0], x), ())
    return [*latent, ("error", row_errors(x, prediction).tolist())]


def columns_csv(columns: Sequence[Column], *, header: bool = True) -> str:
    """Columns as a CSV; without its header where it goes on from an earlier part."""
    names, values = zip(*columns, strict=True)
    body = zip(*values, strict=True)
    return csv_text(names, body) if header else _csv_rows(body)


def spread_columns(ensemble: Ensemble, spread: Floats) -> list[Column]:
    """A column `<name>_spread` for each number of a prediction."""
    columns = ensemble.target.numbers(spread, ensemble.loss.quantiles())
    return [(f"{name}_spread", values) for name, values in columns]
