"""Doubt: what of a row training had not, by hand, and when a pipeline stops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from running import bpcli, table, train, write_csv

from bpcli.runs.limits import Limit, limit

CONFIG = """\
data: {path: t.csv, target: y, columns: {on: boolean, at: date}}
network: linear
epochs: 2
"""
ROWS: list[dict[str, Any]] = [
    {
        "n": i % 10,
        "gap": "" if i % 5 == 0 else i % 7,
        "word": "abc"[i % 3],
        "on": "yes" if i % 2 else "no",
        "at": f"2020-01-{1 + i % 28:02d}",
        "y": i % 13,
    }
    for i in range(60)
]
KNOWN = ROWS[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doubt")
    write_csv(folder / "t.csv", ROWS)
    (folder / "c.yaml").write_text(CONFIG)
    train(folder / "c.yaml", "-o", "run", "--set", "split={validation: 0, test: 0}", cwd=folder)
    return folder


def doubts(folder: Path, **changes: Any) -> list[str]:
    write_csv(folder / "new.csv", [{**KNOWN, **changes}])
    (row,) = table(bpcli("predict", "run", "new.csv", "--doubt", cwd=folder).stdout)
    return [row[kind] for kind in ("unseen", "missing", "out_of_range", "distance")]


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({}, ["0", "0", "0", "0.0"]),
        ({"word": "d"}, ["1", "0", "0", "0.0"]),
        ({"word": "d", "on": "maybe"}, ["2", "0", "0", "0.0"]),
        ({"gap": ""}, ["0", "1", "0", "0.0"]),
        ({"gap": "", "n": "", "word": "", "on": "", "at": ""}, ["0", "5", "0", "0.0"]),
        ({"n": 0, "gap": 6}, ["0", "0", "0", "0.0"]),
    ],
)
def test_cells_are_counted(folder: Path, changes: dict[str, Any], expected: list[str]) -> None:
    assert doubts(folder, **changes) == expected


def test_the_distance_is_in_standard_deviations_beyond_the_training_rows(folder: Path) -> None:
    deviation = (sum((i - 4.5) ** 2 for i in range(10)) / 10) ** 0.5
    *_, beyond, distance = doubts(folder, n=9 + 3 * deviation)
    assert (beyond, float(distance)) == ("1", pytest.approx(3))
    *_, beyond, distance = doubts(folder, n=-2 * deviation, gap=1000, at="2019-12-01")
    assert beyond == "3" and float(distance) > 100


def test_a_row_has_the_same_doubts_in_any_file(folder: Path) -> None:
    rows = [{**KNOWN, "n": i, "word": "abcd"[i % 4]} for i in range(40)]
    write_csv(folder / "many.csv", rows)
    together = table(bpcli("predict", "run", "many.csv", "--doubt", cwd=folder).stdout)
    for i in (0, 15, 39):
        found = [together[i][k] for k in ("unseen", "missing", "out_of_range", "distance")]
        assert found == doubts(folder, **{k: rows[i][k] for k in ("n", "word")})


@pytest.mark.parametrize(
    "limits, code",
    [
        (["unseen>0.5"], 0),
        (["unseen>0.25"], 0),
        (["unseen>0.24"], 9),
        (["missing>0", "out_of_range>0"], 9),
        (["distance>0.1"], 9),
        (["distance>100"], 0),
    ],
)
def test_a_limit_ends_with_code_9_and_no_file(
    folder: Path, tmp_path: Path, limits: list[str], code: int
) -> None:
    rows = [{**KNOWN, "n": i * 4, "word": "d" if i == 0 else "a"} for i in range(4)]
    write_csv(tmp_path / "new.csv", rows)
    options = [word for one in limits for word in ("--fail-on", one)]
    command = ["predict", folder / "run", "new.csv", "-o", "out.csv", *options]
    done = bpcli(*command, cwd=tmp_path, code=code)
    assert (tmp_path / "out.csv").exists() == (code == 0)
    if code:
        assert "BP-L001" in done.stderr and "the limit is" in done.stderr
        assert "nothing was written" in done.stderr


def test_what_was_printed_before_a_limit_is_all_of_it(folder: Path) -> None:
    write_csv(folder / "new.csv", [{**KNOWN, "word": "d"}, KNOWN])
    done = bpcli("predict", "run", "new.csv", "--fail-on", "unseen>0.1", cwd=folder, code=9)
    assert len(table(done.stdout)) == 2
    assert "all 2 rows were printed" in done.stderr
    assert "'d'" in done.stderr  # the category itself is said too


def test_limits_are_read() -> None:
    assert limit(" unseen > 0.05") == Limit("unseen", 0.05)
    for wrong in (
        "unseen",
        "unseen>",
        "unseen<1",
        "new>0.1",
        "unseen>-1",
        "unseen>nan",
        "unseen>inf",
    ):
        with pytest.raises(ValueError, match="unseen, missing, out_of_range, distance"):
            limit(wrong)


def test_a_wrong_limit_or_level_is_wrong_usage(folder: Path) -> None:
    for wrong in (["--fail-on", "unseen=1"], ["--interval", "90"]):
        done = bpcli("predict", "run", "t.csv", *wrong, cwd=folder, code=2)
        assert wrong[0] in done.stderr
