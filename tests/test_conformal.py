"""Intervals and sets: the rank by hand, what is in them, and how often they hold the truth."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import bpcli, table, train, write_csv

from bpcli.experiment.conformal import (
    KEPT,
    Conformal,
    ConformalSpec,
    as_level,
    covered,
    members,
    rows_needed,
    scores_of,
)


def conformal(scores: Any) -> Conformal:
    values = np.array(scores, dtype=float).reshape(len(scores), -1)
    return Conformal.of(ConformalSpec(rows=len(values), set="calibration", chose=()), values)


@pytest.mark.parametrize(
    "rows, level, rank",
    [
        (9, 0.9, 9),  # ⌈10 · 0.9⌉, which is 9 and not 10 by rounding
        (99, 0.9, 90),
        (100, 0.9, 91),
        (100, 0.5, 51),
        (19, 0.95, 19),
        (99, 0.07, 7),
        (8, 0.9, None),  # ⌈8.1⌉ is beyond 8 rows
        (1, 0.6, None),
        (1, 0.5, 1),
    ],
)
def test_the_radius_is_the_score_of_a_rank(rows: int, level: float, rank: int | None) -> None:
    scores = np.random.default_rng(0).permutation(rows) + 1.0
    expected = np.inf if rank is None else rank
    assert conformal(scores).radius(as_level(level)).tolist() == [expected]
    assert (rows < rows_needed(as_level(level))) == (rank is None)


@pytest.mark.parametrize("rows", [KEPT, KEPT + 1, 1999, 50_000])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_of_many_rows_those_kept_only_widen_it(rows: int, level: float) -> None:
    found = conformal(np.arange(1, rows + 1))
    exact = np.ceil((rows + 1) * Fraction(str(level)))
    assert found.scores.shape == (KEPT, 1)
    assert exact <= found.radius(as_level(level))[0] <= exact + 1 + rows / KEPT


def test_each_target_has_its_own_radius() -> None:
    truth = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    scores = scores_of("numbers", truth + np.array([[1, -10], [2, -20], [-3, 30]]), truth)
    assert scores.tolist() == [[1, 10], [2, 20], [3, 30]]
    assert conformal(scores).radius(Fraction(1, 2)).tolist() == [2, 20]
    held = covered("numbers", truth + np.array([[2, 21]]), truth, np.array([2.0, 20.0]))
    assert held.tolist() == [[True, False]] * 3


def test_sets_by_hand() -> None:
    """LAC: scores 1 − p of the true class; a set holds the classes with 1 − p ≤ q."""
    p = np.array([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.4, 0.35, 0.25]])
    scores = scores_of("classes", p, np.array([0, 1, 2, 0]))
    assert scores[:, 0].tolist() == pytest.approx([0.3, 0.7, 0.2, 0.6])
    radius = conformal(scores).radius(Fraction(3, 5))
    assert radius.tolist() == pytest.approx([0.6])
    expected = [[1, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0]]
    assert members(p, radius).astype(int).tolist() == expected
    assert members(p, np.array([np.inf])).all()
    assert members(p, np.array([0.25])).sum(axis=1).tolist() == [0, 0, 1, 0]
    held = covered("classes", p, np.array([0, 1, 2, 0]), radius)
    assert held[:, 0].tolist() == [True, False, True, True]


@pytest.mark.parametrize("level", [0, 1, -0.1, 1.5, "x"])
def test_levels_that_are_none(level: Any) -> None:
    with pytest.raises(ValueError):
        as_level(level)


@pytest.mark.parametrize("rows, level", [(19, 0.9), (50, 0.8), (200, 0.95)])
def test_exchangeable_scores_are_covered_as_often_as_promised(rows: int, level: float) -> None:
    """Of scores in random order the share is ⌈(n + 1) level⌉ / (n + 1) exactly."""
    rng = np.random.default_rng(0)
    draws = rng.random((4000, rows + 1))
    held = [d[-1] <= conformal(d[:-1]).radius(as_level(level))[0] for d in draws]
    expected = np.ceil((rows + 1) * Fraction(str(level))) / (rows + 1)
    assert np.mean(held) == pytest.approx(float(expected), abs=0.02)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conformal")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2)).round(4)
    noise = rng.normal(size=300)
    names = np.array(["a|b", "c", "d\\e"])
    rows = [
        {
            "id": f"r{i}",
            "u": u,
            "v": v,
            "y": round(3 * u + e, 4),
            "z": round(v, 4),
            "k": names[min(2, max(0, round(u + 1 + e / 2)))],
        }
        for i, ((u, v), e) in enumerate(zip(x.tolist(), noise.tolist(), strict=True))
    ]
    write_csv(folder / "t.csv", rows)
    columns = "columns: {id: id, k: drop, y: drop, z: drop}"
    for name, target in {"y": "y", "yz": "[y, z]", "k": "k"}.items():
        kept = columns
        for one in ("y", "z", "k"):
            kept = kept.replace(f", {one}: drop", "") if one in target else kept
        text = f"data: {{path: t.csv, target: {target}, {kept}}}\nnetwork: linear\nepochs: 20\n"
        (folder / f"{name}.yaml").write_text(text)
        train(folder / f"{name}.yaml", "-o", name, "--set", "split.calibration=0.2", cwd=folder)
    train(folder / "y.yaml", "-o", "watched", cwd=folder)
    return folder


def predicted(folder: Path, run: str, *arguments: str) -> list[dict[str, str]]:
    return table(bpcli("predict", run, "t.csv", *arguments, cwd=folder).stdout)


def test_intervals_stand_around_the_prediction(folder: Path) -> None:
    rows = predicted(folder, "y", "--interval", "0.8")
    radius = json.loads(
        bpcli("evaluate", "y", "t.csv", "--interval", "0.8", "--json", cwd=folder).stdout
    )["conformal"]["radius"][0]
    assert list(rows[0])[-3:] == ["prediction", "lower", "upper"]
    for row in rows:
        assert float(row["lower"]) == float(row["prediction"]) - radius
        assert float(row["upper"]) == float(row["prediction"]) + radius


def test_the_radius_is_that_of_the_calibration_rows(folder: Path) -> None:
    rows = predicted(folder, "y")
    split = table((folder / "y" / "split.csv").read_text())
    scores = sorted(
        abs(float(row["y"]) - float(row["prediction"]))
        for row, which in zip(rows, split, strict=True)
        if which["set"] == "calibration"
    )
    assert len(scores) == 60
    found = json.loads((folder / "y" / "metrics.json").read_text())["conformal"]
    assert found["radius"] == [pytest.approx(scores[55 - 1], rel=1e-12)]  # ⌈61 · 0.9⌉
    assert (found["set"], found["rows"], found["chose"]) == ("calibration", 60, [])


def test_several_targets_have_an_interval_each(folder: Path) -> None:
    row = predicted(folder, "yz", "--interval", "0.9")[0]
    assert list(row)[-4:] == ["lower_y", "upper_y", "lower_z", "upper_z"]


def test_sets_are_lists_of_escaped_names(folder: Path) -> None:
    names = ("a\\|b", "c", "d\\\\e")
    possible = {"|".join(some) for n in range(4) for some in combinations(names, n)}
    sets = {row["set"] for row in predicted(folder, "k", "--interval", "0.95")}
    assert {"a\\|b", "a\\|b|c"} <= sets <= possible


def test_evaluate_says_how_many_it_holds(folder: Path) -> None:
    done = json.loads(
        bpcli("evaluate", "k", "t.csv", "--interval", "0.9", "--json", cwd=folder).stdout
    )
    rows = predicted(folder, "k", "--interval", "0.9")
    escaped = [row["k"].replace("\\", "\\\\").replace("|", "\\|") for row in rows]
    held = [name in f"{row['set']}" for name, row in zip(escaped, rows, strict=True)]
    assert done["conformal"]["coverage"] == pytest.approx(np.mean(held))
    text = bpcli("evaluate", "k", "t.csv", "--interval", "0.9", cwd=folder).stdout
    assert "sets for 90 %" in text


def test_rows_that_chose_the_epoch_are_named(folder: Path) -> None:
    done = bpcli("predict", "watched", "t.csv", "--interval", "0.9", cwd=folder)
    assert "BP-D149" in done.stderr and "chose the epoch" in done.stderr
    assert "BP-D149" not in bpcli("predict", "y", "t.csv", "--interval", "0.9", cwd=folder).stderr


def test_too_few_rows_hold_everything_and_it_is_said(folder: Path) -> None:
    done = bpcli("predict", "y", "t.csv", "--interval", "0.99", cwd=folder)
    assert "60 calibration rows are too few for 99 %, which needs 99" in done.stderr
    assert {(row["lower"], row["upper"]) for row in table(done.stdout)} == {("-inf", "inf")}
    row = predicted(folder, "k", "--interval", "0.99")[0]
    assert row["set"] == "a\\|b|c|d\\\\e"
