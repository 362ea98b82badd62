"""Reports that cannot be written, and why."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from unittest.mock import patch

from bad_inputs.case import Case, Content
from bad_inputs.runs import run
from bpcli.runs import folder as names

FILES = (names.MODEL, names.RECORD, names.HISTORY, names.METRICS, names.PREDICTIONS, *names.PLAN)
RUN: Mapping[str, Content] = {f"done/{name}": partial(run, name) for name in FILES}

CASES = [
    Case(
        "a report without jinja2",
        "BP-S009",
        8,
        ("jinja2", "bpcli[report]"),
        "report done",
        RUN,
        around=lambda folder: patch.dict(sys.modules, {"jinja2": None}),
    ),
    Case(
        "a report with a folder that is no sweep",
        "BP-M040",
        5,
        ("lr_sweep.json", "bpcli lr-sweep"),
        "report done --sweep .",
        RUN,
    ),
    Case(
        "a report with another summary",
        "BP-M040",
        5,
        ("not the summary of a sweep",),
        "report done --sweep .",
        {**RUN, "lr_sweep.json": "[]"},
    ),
    Case(
        "a report that is there",
        "BP-O006",
        6,
        ("report.html", "--force"),
        "report done",
        {**RUN, "done/report.html": "kept"},
    ),
    Case(
        "a report of a model file",
        "BP-M020",
        5,
        ("completed run",),
        "report run/model.safetensors",
        {"run/model.safetensors": partial(run, "model.safetensors")},
    ),
]
