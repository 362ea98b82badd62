"""Clustering from the command line: what is found, written, predicted, evaluated and repeated."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from resuming import end, wait_for
from running import ROOT, begin, bpcli, table, train, write_csv
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from bpcli.experiment.plane import Plane

CONFIG = "data: {path: t.csv, label: kind}\ntask: clustering\nloss: {kmeans: 3}\nepochs: 20\n"
FILES = ("model.safetensors", "clusters.csv", "centres.csv", "metrics.json", "split.csv")
COLOURS = ("red", "green", "blue")


def rows(n: int = 90, seed: int = 0) -> list[dict[str, Any]]:
    """Three groups in two numbers; a category that follows the group, a flag that does not."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 3, n)
    return [
        {
            "size": 100 * kind + rng.normal(0, 10),
            "weight": 5 - 3 * kind + rng.normal(0, 1),
            "colour": COLOURS[kind],
            "open": "yes" if rng.random() < 0.5 else "no",
            "kind": "abc"[kind],
        }
        for kind in kinds.tolist()
    ]


def given(folder: Path, text: str = CONFIG) -> Path:
    write_csv(folder / "t.csv", rows())
    (folder / "c.yaml").write_text(text)
    return folder / "c.yaml"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with a finished run, and what `train --json` said."""
    folder = tmp_path_factory.mktemp("clustering")
    return folder, train(given(folder), "-o", "run", cwd=folder)


Trained = tuple[Path, dict[str, Any]]


def test_the_groups_are_found(trained: Trained) -> None:
    folder, facts = trained
    scores = facts["metrics"]["train"]
    assert scores["ari"] == scores["nmi"] == 1
    assert scores["explained"] > 0.5 and facts["baseline"]["train"]["explained"] == 0
    assert scores == json.loads((folder / "run" / "metrics.json").read_text())["train"]
    assert facts["kept_run"] == 1 + int(np.argmin(facts["losses"]))
    assert len(facts["losses"]) == 10


def test_every_row_has_a_cluster_and_distances(trained: Trained) -> None:
    folder, facts = trained
    found = table((folder / "run" / "clusters.csv").read_text())
    assert [row["row"] for row in found] == [str(n) for n in range(1, 91)]
    assert [row["kind"] for row in found] == [row["kind"] for row in rows()]
    for row in found:
        each = [float(row[f"distance_{k}"]) for k in (1, 2, 3)]
        assert float(row["distance"]) == min(each) == each[int(row["cluster"]) - 1]
    inertia = sum(float(row["distance"]) ** 2 for row in found)
    assert inertia == pytest.approx(facts["metrics"]["train"]["inertia"], rel=1e-12)


def test_centres_are_means_in_the_units_of_the_table(trained: Trained) -> None:
    folder, facts = trained
    labels = [int(row["cluster"]) for row in table((folder / "run" / "clusters.csv").read_text())]
    centres = table((folder / "run" / "centres.csv").read_text())
    assert [int(one["rows"]) for one in centres] == np.bincount(labels)[1:].tolist()
    for k, one in enumerate(centres, 1):
        own = [row for row, label in zip(rows(), labels, strict=True) if label == k]
        assert float(one["size"]) == pytest.approx(np.mean([r["size"] for r in own]), abs=1)
        assert float(one["weight"]) == pytest.approx(np.mean([r["weight"] for r in own]), abs=0.1)
        share = np.mean([r["colour"] == "red" for r in own])
        assert float(one["colour=red"]) == pytest.approx(share, abs=0.05)
    assert [one["centre"]["size"] for one in facts["clusters"]] == [
        float(one["size"]) for one in centres
    ]


def test_the_label_is_never_looked_at(tmp_path: Path, trained: Trained) -> None:
    given(tmp_path)
    shuffled = [{**row, "kind": "x" if n % 2 else "y"} for n, row in enumerate(rows())]
    write_csv(tmp_path / "t.csv", shuffled)
    train(tmp_path / "c.yaml", "-o", "run", cwd=tmp_path)
    ours, theirs = ((at / "run" / "centres.csv").read_bytes() for at in (tmp_path, trained[0]))
    assert ours == theirs


def test_predict_gives_each_row_the_bits_it_has_alone(trained: Trained) -> None:
    folder, _ = trained
    fresh = [{k: v for k, v in row.items() if k != "kind"} for row in rows(300, seed=7)]
    write_csv(folder / "new.csv", fresh)
    write_csv(folder / "one.csv", fresh[217:218])
    many = table(bpcli("predict", "run", "new.csv", cwd=folder).stdout)
    (one,) = table(bpcli("predict", "run", "one.csv", cwd=folder).stdout)
    assert list(one) == ["row", "cluster", "distance", "distance_1", "distance_2", "distance_3"]
    assert {**many[217], "row": "1"} == one
    doubted = table(bpcli("predict", "run", "one.csv", "--doubt", cwd=folder).stdout)
    assert "unseen" in doubted[0]


def test_evaluate_compares_where_the_groups_are_known(trained: Trained) -> None:
    folder, facts = trained
    again = json.loads(bpcli("evaluate", "run", "t.csv", "--json", cwd=folder).stdout)["metrics"]
    assert again == pytest.approx(facts["metrics"]["train"], rel=1e-12)
    write_csv(folder / "b.csv", [{**row, "kind": ""} for row in rows(40, seed=3)])
    unknown = json.loads(bpcli("evaluate", "run", "b.csv", "--json", cwd=folder).stdout)["metrics"]
    assert {"silhouette", "inertia"} <= unknown.keys() and "ari" not in unknown


def test_verify_and_the_resolved_config_give_the_same_bytes(trained: Trained) -> None:
    folder, _ = trained
    assert "byte-equal" in bpcli("verify", "run", cwd=folder).stdout
    bpcli("train", "run/config.resolved.yaml", "-o", "again", cwd=folder)
    for name in FILES[1:]:
        assert (folder / "run" / name).read_bytes() == (folder / "again" / name).read_bytes()


def test_a_run_that_is_stopped_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    text = CONFIG.replace("epochs: 20", "epochs: 450") + "output: {checkpoint_every: 0.01}\n"
    given(tmp_path, text)
    bpcli("train", "c.yaml", "-o", "whole", cwd=tmp_path)
    process = begin("train", "c.yaml", "-o", "parts", cwd=tmp_path)
    wait_for(tmp_path / "parts" / "checkpoint.safetensors", process)
    code, said = end(process, signal.SIGINT)
    assert code == 130, said
    bpcli("train", "c.yaml", "-o", "parts", "--resume", cwd=tmp_path)
    for name in FILES:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


def test_test_rows_are_scored_by_centres_that_have_not_seen_them(tmp_path: Path) -> None:
    facts = train(given(tmp_path), "--set", "split.test=0.3", cwd=tmp_path)
    assert set(facts["metrics"]) == {"train", "test"}
    assert sum(one["rows"] for one in facts["clusters"]) == 63
    assert facts["metrics"]["test"]["ari"] == 1


def test_row_weights_move_the_centres(tmp_path: Path) -> None:
    given(tmp_path, CONFIG.replace("label: kind", "weight: w") + "optimizer: lloyd\n")
    light = [{"x": x, "w": w} for x, w in ((0.0, 3), (4.0, 1), (50.0, 1), (51.0, 1), (90.0, 2))]
    write_csv(tmp_path / "t.csv", light)
    facts = train(tmp_path / "c.yaml", "--set", "epochs=99", cwd=tmp_path)
    assert sorted(one["centre"]["x"] for one in facts["clusters"]) == pytest.approx([1, 50.5, 90])


@pytest.mark.parametrize("optimizer", ["adam", "lloyd"])
def test_iris_as_scikit_learn_clusters_it(tmp_path: Path, optimizer: str) -> None:
    config = ROOT / "configs" / "iris_clusters.yaml"
    facts = train(config, "--set", f"optimizer={optimizer}", "-o", "run", cwd=tmp_path)
    raw = table((ROOT / "data" / "iris.csv").read_text())
    x = np.array([[float(v) for v in list(row.values())[:-1]] for row in raw])
    best = KMeans(3, n_init=10, random_state=0).fit((x - x.mean(axis=0)) / x.std(axis=0))
    assert facts["metrics"]["train"]["inertia"] <= 1.01 * best.inertia_


def test_the_terminal_shows_centres_and_scores(trained: Trained) -> None:
    folder, _ = trained
    done = bpcli("train", "c.yaml", "-o", "shown", cwd=folder)
    for word in ("silhouette", "davies_bouldin", "ari", "baseline", "weight", "colour=red"):
        assert word in done.stdout
    assert "clustering of all rows, compared with kind" in done.stderr
    assert "10 from different starts" in done.stderr
    assert "label: kind" in done.stderr


def test_a_picture_of_the_clusters(trained: Trained) -> None:
    folder, _ = trained
    bpcli("train", "c.yaml", "-o", "drawn", "--picture", "-q", cwd=folder)
    drawn = (folder / "drawn" / "clusters.svg").read_text()
    assert "3 clusters" in drawn and "first component" in drawn
    assert (folder / "drawn" / "clusters.png").read_bytes().startswith(b"\x89PNG")
    bpcli("train", "c.yaml", "-o", "drawn", "--resume", "--picture", "-q", cwd=folder)
    assert (folder / "drawn" / "clusters.svg").read_text() == drawn
    refused = ROOT / "configs" / "iris.yaml"
    assert "clustering" in bpcli("train", refused, "--picture", cwd=folder, code=2).stderr


def test_a_plane_shows_where_rows_differ_most() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 4)) * [1, 9, 0.1, 3]
    plane = Plane.of(x, np.arange(500) % 2, x[:2])
    theirs = PCA(2).fit(x)
    assert plane.shares == pytest.approx(theirs.explained_variance_ratio_)
    assert np.abs(plane.points) == pytest.approx(np.abs(theirs.transform(x)))
    assert plane.centres == pytest.approx(plane.points[:2])
    alone = Plane.of(x[:, :1], np.zeros(500, dtype=int), x[:1, :1])
    assert alone.shares.tolist() == [1, 0] and (alone.points[:, 1] == 0).all()


def test_init_writes_a_config_for_clusters_that_trains(tmp_path: Path) -> None:
    given(tmp_path)
    wanted = ("--set", "task=clustering", "--set", "data.label=kind", "--set", "loss={kmeans: 3}")
    bpcli("init", "t.csv", *wanted, "-o", "n.yaml", cwd=tmp_path)
    text = (tmp_path / "n.yaml").read_text()
    assert "target" not in text.replace("without a target", "") and "label: kind" in text
    facts = train(tmp_path / "n.yaml", cwd=tmp_path)
    assert facts["metrics"]["train"]["ari"] == 1


def test_a_loss_for_clusters_asks_for_the_task(tmp_path: Path) -> None:
    facts = train(given(tmp_path, CONFIG.replace("task: clustering\n", "")), cwd=tmp_path)
    assert len(facts["clusters"]) == 3


def test_comparing_clusterings_says_why_there_is_no_test(trained: Trained) -> None:
    folder, _ = trained
    bpcli("train", "c.yaml", "-o", "other", "--seed", "5", cwd=folder)
    assert "no predictions" in bpcli("compare", "run", "other", cwd=folder).stdout


def test_plan_shows_the_centres(trained: Trained) -> None:
    folder, _ = trained
    facts = json.loads(bpcli("plan", "c.yaml", "--json", cwd=folder).stdout)
    assert [layer["layer"] for layer in facts["layers"]] == ["prototypes"]
    assert facts["members"] == 10
