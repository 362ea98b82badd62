"""The committed numbers of other tools (`tests/oracles`)."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from running import ROOT


@cache
def numbers(tool: str) -> dict[str, Any]:
    """The table of one tool, `torch` or `onnx`."""
    text = (ROOT / "tests" / "oracles" / f"{tool}.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table
