"""The promises of docs/reliability.md and SECURITY.md name tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from bad_inputs import CASES
from running import ROOT, bpcli

RELIABILITY = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
PROMISES = {"A": 10, "B": 8, "C": 8, "D": 9, "E": 4, "F": 4}


def test_every_promise_has_a_line() -> None:
    rows = re.findall(r"^\| ([A-F]\d+) \| (.+?) \| (.+) \|$", RELIABILITY, re.M)
    assert [id for id, *_ in rows] == [
        f"{letter}{number}" for letter, most in PROMISES.items() for number in range(1, most + 1)
    ]
    for id, _, held in rows:
        assert "::" in held or "Not held" in held, id


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+\.py)::(\w+)`", RELIABILITY))
    assert len(named) > 80
    for file, name in named:
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert f"\ndef {name}(" in text or f"\n{name} = " in text, name
    for path in re.findall(r"`(tests/[\w./]+)`", SECURITY):
        assert (ROOT / path).exists(), path


def test_every_row_of_the_fault_matrix_is_held() -> None:
    rows = re.findall(r"^\| (\d+) \| .+ \| .+ \| (.+) \|$", RELIABILITY, re.M)
    assert [int(number) for number, _ in rows] == list(range(1, 88))
    cases = {row for case in CASES for row in case.rows}
    for number, held in rows:
        assert "::" in held or "`tests/bad_inputs`" in held, number
        assert int(number) in cases or "`tests/bad_inputs`" not in held, number


def test_the_environment_is_not_recorded(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{i},{i}.5\n" for i in range(20)))
    (tmp_path / "c.yaml").write_text("data: {path: t.csv, target: $SECRET}\nepochs: 1\n")
    done = bpcli("train", "c.yaml", cwd=tmp_path, code=4, SECRET="y")
    assert "'$SECRET'" in done.stderr
    bpcli("train", "c.yaml", "--set", "data.target=y", cwd=tmp_path, SECRET="5e2d9a71")
    for path in (tmp_path / "runs" / "c-1").iterdir():
        assert b"5e2d9a71" not in path.read_bytes(), path.name
