"""Parquet files that cannot be read, or hold what no CSV could say."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from bad_inputs.case import CONFIG, Case

GIVEN = CONFIG.replace("t.csv", "t.parquet")


def parquet(**columns: Any) -> Callable[[], bytes]:
    """A Parquet file of columns, made when it is needed."""

    def make() -> bytes:
        import pyarrow
        from pyarrow import parquet as files

        content = io.BytesIO()
        files.write_table(pyarrow.table(columns), content)
        return content.getvalue()

    return make


PLAIN = parquet(a=list(range(20)), y=[i / 2 for i in range(20)])

CASES = [
    Case(
        "a Parquet file without pyarrow",
        "BP-R040",
        8,
        ("pyarrow", "bpcli[parquet]"),
        "train c.yaml",
        {"c.yaml": GIVEN, "t.parquet": PLAIN},
        around=lambda folder: patch.dict(sys.modules, {"pyarrow": None}),
    ),
    Case(
        "a Parquet file that is cut short",
        "BP-D080",
        4,
        ("t.parquet",),
        "train c.yaml",
        {"c.yaml": GIVEN, "t.parquet": lambda: PLAIN()[:-9]},
    ),
    Case(
        "a Parquet file that is none",
        "BP-D080",
        4,
        ("t.parquet",),
        "train c.yaml",
        {"c.yaml": GIVEN, "t.parquet": "a,y\n1,2\n"},
    ),
    Case(
        "lists in a Parquet file",
        "BP-D081",
        4,
        ("'a'", "list"),
        "train c.yaml",
        {"c.yaml": GIVEN, "t.parquet": parquet(a=[[1], [2, 3]], y=[1.0, 2.0])},
    ),
    Case(
        "a NUL in a Parquet file",
        "BP-D081",
        4,
        ("'a'", "NUL"),
        "train c.yaml",
        {"c.yaml": GIVEN, "t.parquet": parquet(a=["x", "\0"], y=[1.0, 2.0])},
    ),
]
