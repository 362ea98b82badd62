"""k: auto: the number whose clusters stand apart and come again, with the table behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import bpcli, table, train, write_csv
from sklearn.cluster import KMeans

from bpcli.experiment.kmeans import kmeans, nearest
from bpcli.selection.number_of_clusters import Candidate, chosen

CONFIG = "data: {path: t.csv}\nloss: kmeans\nepochs: 5\n"


def blobs(k: int, n: int = 40, seed: int = 0) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    corners = 20.0 * np.array([[i, i * i % 3] for i in range(k)])
    return np.repeat(corners, n, axis=0) + rng.normal(0, 1, (k * n, 2))


def given(folder: Path, k: int) -> Path:
    write_csv(folder / "t.csv", [{"a": a, "b": b} for a, b in blobs(k).tolist()])
    (folder / "c.yaml").write_text(CONFIG)
    return folder / "c.yaml"


def candidate(k: int, silhouette: float, stability: float) -> Candidate:
    return Candidate(k, 0.5, silhouette, stability)


@pytest.mark.parametrize(
    ("candidates", "k", "why"),
    [
        ([candidate(2, 0.5, 0.9), candidate(3, 0.6, 0.85)], 3, "highest of those that are stable"),
        ([candidate(2, 0.5, 0.9), candidate(3, 0.6, 0.5)], 2, "highest of those that are stable"),
        ([candidate(2, 0.5, 0.3), candidate(3, 0.4, 0.5)], 3, "no number is stable"),
        ([candidate(2, 0.5, 0.9), candidate(3, 0.5, 0.95)], 2, "highest"),
    ],
)
def test_the_rule(candidates: list[Candidate], k: int, why: str) -> None:
    choice = chosen(candidates)
    assert choice.k == k and why in choice.reason


def test_runs_in_memory_are_scikit_learn_s() -> None:
    x = blobs(4, seed=3)
    centres, losses = kmeans(x[None], 4, 0, range(10))
    best = KMeans(4, n_init=10, random_state=0).fit(x)
    assert losses.min() * len(x) == pytest.approx(best.inertia_, rel=1e-9)
    away = nearest(x, centres[int(losses.argmin())])
    assert (away.min(axis=1) ** 2).sum() == pytest.approx(best.inertia_, rel=1e-9)


@pytest.mark.parametrize("k", [3, 5])
def test_the_groups_there_are(tmp_path: Path, k: int) -> None:
    done = bpcli("train", given(tmp_path, k), "-o", "run", cwd=tmp_path)
    assert f"k: auto is {k}" in done.stderr and "stability" in done.stderr
    tried = table((tmp_path / "run" / "k.csv").read_text())
    assert [int(one["k"]) for one in tried] == list(range(2, 11))
    best = max(tried, key=lambda one: float(one["silhouette"]))
    assert int(best["k"]) == k and float(best["stability"]) == 1
    assert f"k: {k}" in (tmp_path / "run" / "config.resolved.yaml").read_text()
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert any(f"k: auto is {k}" in one["what"] for one in record["notices"])
    assert "byte-equal" in bpcli("verify", "run", cwd=tmp_path).stdout


def test_few_rows_limit_the_numbers_tried(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", [{"a": a} for a in (0.0, 0.1, 5.0, 5.1, 9.0, 9.1)])
    (tmp_path / "c.yaml").write_text(CONFIG)
    facts = train(tmp_path / "c.yaml", "-o", "run", cwd=tmp_path)
    tried = table((tmp_path / "run" / "k.csv").read_text())
    assert [int(one["k"]) for one in tried] == [2, 3, 4]
    assert len(facts["clusters"]) in (2, 3, 4)


def test_plan_shows_the_most_that_k_can_be(tmp_path: Path) -> None:
    given(tmp_path, 3)
    facts = json.loads(bpcli("plan", "c.yaml", "--json", cwd=tmp_path).stdout)
    assert facts["layers"][-1]["output"] == [10]
