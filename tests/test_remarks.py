"""What is said of a training that has ended without an error, and not well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import ROOT, bpcli


@pytest.mark.parametrize(
    ("threshold", "options", "code"),
    [
        ("1e-9", (), 0),
        ("1e-9", ("--require-threshold",), 9),
        ("100", ("--require-threshold",), 0),
        ("null", ("--require-threshold",), 2),
    ],
)
def test_a_threshold_may_be_required(
    tmp_path: Path, threshold: str, options: tuple[str, ...], code: int
) -> None:  # row 67
    data = f"data: {{path: {ROOT / 'data' / 'iris.csv'}, target: species}}\n"
    (tmp_path / "c.yaml").write_text(f"{data}network: []\nepochs: 2\n")
    words = ("train", "c.yaml", "-o", "run", "--set", f"stop.threshold={threshold}", *options)
    done = bpcli(*words, cwd=tmp_path, code=code)
    missed = threshold == "1e-9"
    assert ("warning[BP-N003] stop.threshold: the training loss is" in done.stderr) == missed
    if code in (0, 9):
        facts = json.loads((tmp_path / "run" / "run.json").read_text())
        assert facts["state"] == "completed"
        assert ("BP-N003" in [notice["id"] for notice in facts["notices"]]) == missed
