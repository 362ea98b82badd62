"""dec and idec from the command line: beside plain K-means, and the same bytes each time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from resuming import INT, KILL, end, wait_for
from running import begin, bpcli, table, train, write_csv
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score

CONFIG = """\
data: {path: t.csv, label: kind}
task: clustering
network: [{dense: 12}, relu, {dense: 2}]
loss: {idec: {k: 3, pretrain: 20, refresh: 2}}
learning_rate: 0.01
epochs: 60
"""
FILES = ("model.safetensors", "clusters.csv", "centres.csv", "metrics.json", "split.csv")


def rows(n: int = 150, seed: int = 0) -> list[dict[str, Any]]:
    """Three groups in five numbers, in units of their own."""
    rng = np.random.default_rng(seed)
    middles = np.random.default_rng(99).normal(0, 3, (3, 5))
    kinds = rng.integers(0, 3, n)
    x = middles[kinds] + rng.normal(size=(n, 5))
    return [
        {**{f"x{j}": 10**j * value for j, value in enumerate(row)}, "kind": "abc"[kind]}
        for row, kind in zip(x.tolist(), kinds.tolist(), strict=True)
    ]


def given(folder: Path, text: str = CONFIG) -> Path:
    write_csv(folder / "t.csv", rows())
    (folder / "c.yaml").write_text(text)
    return folder / "c.yaml"


Trained = tuple[Path, dict[str, Any]]


@pytest.fixture(scope="module", params=["idec", "dec"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A folder with a finished run, and what `train --json` said."""
    folder = tmp_path_factory.mktemp(request.param)
    text = CONFIG.replace("idec", request.param)
    return folder, train(given(folder, text), "-o", "run", cwd=folder)


def test_the_groups_are_found(trained: Trained) -> None:
    _, facts = trained
    assert facts["metrics"]["train"]["nmi"] > 0.7
    assert "of the rows changed cluster" in facts["stop_reason"] and facts["epochs"] < 60
    assert sum(one["rows"] for one in facts["clusters"]) == 150


def test_plain_k_means_stands_beside_it(trained: Trained) -> None:
    folder, facts = trained
    columns, latent = facts["plain"]["k-means, columns"], facts["plain"]["k-means, latent"]
    raw = table((folder / "t.csv").read_text())
    x = np.array([[float(v) for v in list(row.values())[:-1]] for row in raw])
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    theirs = KMeans(3, n_init=10, random_state=0).fit(x)
    assert columns["train"]["inertia"] == pytest.approx(theirs.inertia_, rel=1e-6)
    found = normalized_mutual_info_score([row["kind"] for row in raw], theirs.labels_)
    assert columns["train"]["nmi"] == pytest.approx(found)
    assert 0 < latent["train"]["nmi"] <= 1
    assert json.loads((folder / "run" / "metrics.json").read_text())["plain"] == facts["plain"]
    shown = bpcli("train", "c.yaml", "-o", "shown", cwd=folder).stdout
    assert "k-means, columns" in shown and "k-means, latent" in shown


def test_centres_are_in_the_units_of_the_table(trained: Trained) -> None:
    folder, _ = trained
    found = table((folder / "run" / "clusters.csv").read_text())
    centres = table((folder / "run" / "centres.csv").read_text())
    for k, one in enumerate(centres, 1):
        own = [row for row, c in zip(rows(), found, strict=True) if c["cluster"] == str(k)]
        spread = np.std([row["x4"] for row in rows()])
        assert float(one["x4"]) == pytest.approx(np.mean([r["x4"] for r in own]), abs=1.5 * spread)


def test_predict_and_evaluate(trained: Trained) -> None:
    folder, facts = trained
    write_csv(folder / "new.csv", fresh := rows(300, seed=7))
    write_csv(folder / "one.csv", fresh[217:218])
    many = table(bpcli("predict", "run", "new.csv", cwd=folder).stdout)
    (one,) = table(bpcli("predict", "run", "one.csv", cwd=folder).stdout)
    assert {**many[217], "row": "1"} == one
    assert float(one["distance"]) == min(float(one[f"distance_{k}"]) for k in (1, 2, 3))
    said = json.loads(bpcli("evaluate", "run", "t.csv", "--json", cwd=folder).stdout)["metrics"]
    assert said == pytest.approx(facts["metrics"]["train"], rel=1e-9)


def test_verify_and_the_resolved_config_give_the_same_bytes(trained: Trained) -> None:
    folder, _ = trained
    assert "byte-equal" in bpcli("verify", "run", cwd=folder).stdout
    bpcli("train", "run/config.resolved.yaml", "-o", "again", cwd=folder)
    for name in FILES[1:]:
        assert (folder / "run" / name).read_bytes() == (folder / "again" / name).read_bytes()


def test_a_picture_of_the_latent_numbers(trained: Trained) -> None:
    folder, _ = trained
    bpcli("train", "c.yaml", "-o", "run", "--resume", "--picture", "-q", cwd=folder)
    assert "3 clusters" in (folder / "run" / "clusters.svg").read_text()


@pytest.mark.parametrize(
    ("pretrain", "refresh", "signal", "threads"),
    [(5, 200, INT, 1), (200, 1, KILL, 1), (5, 200, KILL, 2)],
)
def test_a_run_that_is_stopped_goes_on_to_the_same_bytes(
    tmp_path: Path, pretrain: int, refresh: int, signal: int, threads: int
) -> None:
    """Stopped before there are clusters, or long after the look at all rows that made targets."""
    text = CONFIG.replace("pretrain: 20, refresh: 2", f"pretrain: {pretrain}, refresh: {refresh}")
    text = text.replace("epochs: 60", "epochs: 220")
    text += f"batch_size: 40\nthreads: {threads}\noutput: {{checkpoint_every: 0.1}}\n"
    given(tmp_path, text)
    bpcli("train", "c.yaml", "-o", "whole", cwd=tmp_path)
    process = begin("train", "c.yaml", "-o", "parts", cwd=tmp_path)
    wait_for(tmp_path / "parts" / "checkpoint.safetensors", process)
    code, said = end(process, signal)
    assert code in (130, -KILL), said
    bpcli("train", "c.yaml", "-o", "parts", "--resume", cwd=tmp_path)
    for name in FILES:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        "loss: {dec: {k: auto, pretrain: 5}}",
        "split: {test: 0.3}",
        "network: [{dense: 9}, {residual: [{dense: 6}, tanh]}, {dense: 2}]",
        "decoder: [{dense: 9}, relu]",
        "iterations: 150",
        "batch_size: full",
        "on_divergence: backoff",
        "ema: 0.9",
    ],
)
def test_what_deep_clusters_may_have(tmp_path: Path, change: str) -> None:
    key = change.partition(":")[0]
    dropped = {key, "epochs"} if key == "iterations" else {key}
    kept = [line for line in CONFIG.splitlines() if line.partition(":")[0] not in dropped]
    facts = train(given(tmp_path, "\n".join([*kept, change]) + "\n"), cwd=tmp_path)
    assert set(facts["plain"]) == {"k-means, columns", "k-means, latent"}


def test_a_network_is_there_by_default(tmp_path: Path) -> None:
    text = CONFIG.replace("network: [{dense: 12}, relu, {dense: 2}]\n", "")
    facts = train(given(tmp_path, text), "-o", "run", cwd=tmp_path)
    assert facts["metrics"]["train"]["nmi"] > 0.5
