"""A clean table, and the same with one fault each, for tests of `bpcli check`."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import numpy as np

Row = dict[str, Any]
ROWS = 240
CONFIG = "data: {path: t.csv, target: y, columns: {a: numeric, b: numeric, c: categorical}}\n"


def clean(classes: bool = False) -> list[Row]:
    """Numbers a and b, categories c, and a target that none of them tells alone."""
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=(2, ROWS))
    c = rng.integers(0, 3, ROWS)
    y = a + b + c + rng.normal(size=ROWS)
    if classes:
        named = np.where(y > 1, "yes", "no")
        return [dict(zip("abcy", row, strict=True)) for row in zip(a, b, c, named, strict=True)]
    return [dict(zip("abcy", row, strict=True)) for row in zip(a, b, c, y, strict=True)]


def text(rows: list[Row]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def with_column(name: str, make: Callable[[int, Row], object], classes: bool = False) -> str:
    """The clean table with one more column."""
    return text([{name: make(i, row), **row} for i, row in enumerate(clean(classes))])


def changed(make: Callable[[int, Row], Row], classes: bool = False) -> str:
    """The clean table with other rows in the place of its own."""
    return text([make(i, row) for i, row in enumerate(clean(classes))])


def contradicted(i: int, row: Row) -> Row:
    """Every third row has the inputs of the first, and a target of its own."""
    first = clean()[0]
    return {**first, "y": row["y"]} if i % 3 == 0 else row


NOISE = np.random.default_rng(7).normal(size=ROWS)
WAVE = np.sin(np.arange(ROWS) / 20)
TABLES: dict[str, tuple[str, str]] = {  # by fault: the id of the finding, and the table
    "the target as a column": ("BP-D143", with_column("copy", lambda i, row: 2 * row["y"] + 1)),
    "a curve of the target": ("BP-D143", with_column("cube", lambda i, row: row["y"] ** 3)),
    "the target with noise": (
        "BP-A001",
        with_column("near", lambda i, row: row["y"] + 0.02 * NOISE[i]),
    ),
    "a code of the class": (
        "BP-A001",
        with_column(
            "code", lambda i, row: "AB"[row["y"] == "yes"] + str(i % 5) if i else "B0", classes=True
        ),
    ),
    "an identifier": ("BP-D104", with_column("client_id", lambda i, row: 1000 + i)),
    "a number of the row": ("BP-A002", with_column("place", lambda i, row: 7 * i % ROWS)),
    "a constant": ("BP-D104", with_column("site", lambda i, row: "north")),
    "equal columns": ("BP-D142", with_column("again", lambda i, row: row["a"])),
    "rows that repeat": ("BP-A004", text([*clean(), *clean()[:30]])),
    "rows in two sets": ("BP-D145", text([*clean(), *clean()[:120]])),
    "rows that contradict": ("BP-A005", changed(contradicted)),
    "patients in two sets": ("BP-A006", with_column("patient_id", lambda i, row: f"p{i // 6}")),
    "neighbours in time": (
        "BP-A007",
        text(
            [
                {
                    "day": str(np.datetime64("2020-01-01") + i),
                    **row,
                    "y": 5 * WAVE[i] + NOISE[i] / 2,
                }
                for i, row in enumerate(clean())
            ]
        ),
    ),
    "a rare class": (
        "BP-A003",
        changed(lambda i, row: {**row, "y": "odd" if i < 3 else row["y"]}, classes=True),
    ),
}
