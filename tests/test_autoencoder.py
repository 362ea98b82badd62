"""Autoencoders from the command line: trained, written, predicted, evaluated and repeated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from resuming import INT, end, wait_for
from running import begin, bpcli, table, train, write_csv
from sklearn.decomposition import PCA

CONFIG = """\
data: {path: t.csv, label: kind}
task: autoencoder
network: [{dense: 12}, tanh, {dense: 2}]
learning_rate: 0.01
epochs: 40
"""
FILES = ("model.safetensors", "latent.csv", "reconstruction.csv", "metrics.json", "split.csv")


def rows(n: int = 120, seed: int = 0) -> list[dict[str, Any]]:
    """Four numbers of a row that two would do for, a category, and a gap."""
    rng = np.random.default_rng(seed)
    u, v = rng.normal(size=(2, n))
    return [
        {
            "id": f"r{i}",
            "a": 10 * u[i],
            "b": "" if i == 5 else u[i] + v[i],
            "c": v[i] ** 2,
            "d": np.sin(2 * u[i]) + 100,
            "colour": "red" if v[i] > 0 else "blue",
            "kind": "xy"[i % 2],
        }
        for i in range(n)
    ]


def given(folder: Path, text: str = CONFIG) -> Path:
    write_csv(folder / "t.csv", rows())
    (folder / "c.yaml").write_text(text)
    return folder / "c.yaml"


Trained = tuple[Path, dict[str, Any]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A folder with a finished run, and what `train --json` said."""
    folder = tmp_path_factory.mktemp("autoencoder")
    return folder, train(given(folder), "-o", "run", cwd=folder)


def test_errors_stand_beside_those_of_the_mean_and_of_principal_components(
    trained: Trained,
) -> None:
    folder, facts = trained
    assert set(facts["metrics"]) == {"train", "validation", "test"}
    for name, scores in facts["metrics"].items():
        assert scores["mse"] < 0.7 * facts["baseline"][name]["mse"]
        assert scores["explained"] > 0.3 and facts["baseline"][name]["explained"] <= 1e-12
        assert 0 < facts["principal_components"][name]["explained"] < 1
    written = json.loads((folder / "run" / "metrics.json").read_text())
    assert {name: written[name] for name in facts["metrics"]} == facts["metrics"]
    assert facts["latent"] == 2


def test_principal_components_are_scikit_learn_s(trained: Trained) -> None:
    from bpcli.experiment.reconstruction import principal, reconstruction_scores

    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 5)) * [1, 5, 0.1, 2, 3]
    theirs = PCA(2).fit(x[:50])
    rebuilt = principal(x[:50], x, 2)
    assert rebuilt == pytest.approx(theirs.inverse_transform(theirs.transform(x)), abs=1e-12)
    share = reconstruction_scores(x[:50], rebuilt[:50])["explained"]
    assert share == pytest.approx(theirs.explained_variance_ratio_.sum())


def test_a_linear_autoencoder_comes_to_the_principal_components(tmp_path: Path) -> None:
    text = CONFIG.replace("{dense: 12}, tanh, ", "").replace("epochs: 40", "epochs: 600")
    facts = train(given(tmp_path, text), cwd=tmp_path)
    ours, theirs = facts["metrics"]["train"]["mse"], facts["principal_components"]["train"]["mse"]
    assert theirs <= ours <= 1.02 * theirs


def test_every_row_has_latent_numbers_and_an_error(trained: Trained) -> None:
    folder, facts = trained
    found = table((folder / "run" / "latent.csv").read_text())
    assert list(found[0]) == ["row", "set", "id", "kind", "z1", "z2", "error"]
    assert [row["id"] for row in found] == [f"r{i}" for i in range(120)]
    for name, scores in facts["metrics"].items():
        errors = [float(row["error"]) for row in found if row["set"] == name]
        assert np.mean(errors) == pytest.approx(scores["mse"], rel=1e-12)


def test_every_input_has_an_error(trained: Trained) -> None:
    folder, facts = trained
    found = table((folder / "run" / "reconstruction.csv").read_text())
    names = [row["input"] for row in found]
    assert names[:4] == ["a", "b", "c", "d"] and "colour=red" in names
    for key, expected in (("mse", "metrics"), ("pca", "principal_components")):
        mean = np.mean([float(row[key]) for row in found])
        assert mean == pytest.approx(facts[expected]["test"]["mse"], rel=1e-12)
    assert facts["details"]["set"] == "test" and len(facts["details"]["columns"]) == len(found)


def test_predict_gives_each_row_the_bits_it_has_alone(trained: Trained) -> None:
    folder, _ = trained
    fresh = [{k: v for k, v in row.items() if k != "kind"} for row in rows(300, seed=7)]
    write_csv(folder / "new.csv", fresh)
    write_csv(folder / "one.csv", fresh[217:218])
    many = table(bpcli("predict", "run", "new.csv", cwd=folder).stdout)
    (one,) = table(bpcli("predict", "run", "one.csv", cwd=folder).stdout)
    assert list(one) == ["row", "id", "z1", "z2", "error"]
    assert {**many[217], "row": "1"} == one
    again = table(bpcli("predict", "run", "t.csv", cwd=folder).stdout)
    known = table((folder / "run" / "latent.csv").read_text())
    assert again == [{k: v for k, v in row.items() if k != "set"} for row in known]


def test_evaluate_scores_any_rows(trained: Trained) -> None:
    folder, facts = trained
    known = table((folder / "run" / "latent.csv").read_text())
    test = [row for row, one in zip(rows(), known, strict=True) if one["set"] == "test"]
    write_csv(folder / "test.csv", test)
    said = json.loads(bpcli("evaluate", "run", "test.csv", "--json", cwd=folder).stdout)
    assert said["metrics"] == pytest.approx(facts["metrics"]["test"], rel=1e-12)


def test_verify_and_the_resolved_config_give_the_same_bytes(trained: Trained) -> None:
    folder, _ = trained
    assert "byte-equal" in bpcli("verify", "run", cwd=folder).stdout
    resolved = (folder / "run" / "config.resolved.yaml").read_text()
    assert "decoder" in resolved
    bpcli("train", "run/config.resolved.yaml", "-o", "again", cwd=folder)
    for name in FILES[1:]:
        assert (folder / "run" / name).read_bytes() == (folder / "again" / name).read_bytes()


def test_a_run_that_is_stopped_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    text = CONFIG.replace("epochs: 40", "epochs: 400") + "output: {checkpoint_every: 0.1}\n"
    given(tmp_path, text)
    bpcli("train", "c.yaml", "-o", "whole", cwd=tmp_path)
    process = begin("train", "c.yaml", "-o", "parts", cwd=tmp_path)
    wait_for(tmp_path / "parts" / "checkpoint.safetensors", process)
    code, said = end(process, INT)
    assert code == 130, said
    bpcli("train", "c.yaml", "-o", "parts", "--resume", cwd=tmp_path)
    for name in FILES:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        "loss: huber",
        "decoder: [{dense: 30}, relu]",
        "stop: {patience: 3}",
        "split: {validation: 0, test: 0}",
        "network: [{noise: 0.1}, {dense: 8}, batch_norm, relu, {dense: 1}]",
        "optimizer: lbfgs",
        "data: {path: t.csv, weight: a}\nsplit: {test: 0.5}\npreprocess: {numeric: robust}",
    ],
)
def test_what_an_autoencoder_may_be(tmp_path: Path, change: str) -> None:
    keys = {line.partition(":")[0] for line in change.splitlines()}
    kept = [line for line in CONFIG.splitlines() if line.partition(":")[0] not in keys]
    given(tmp_path, "\n".join([*kept, change]) + "\n")
    if "weight" in change:
        write_csv(tmp_path / "t.csv", [{**row, "a": 1 + i % 3} for i, row in enumerate(rows())])
    facts = train(tmp_path / "c.yaml", "-o", "run", cwd=tmp_path)
    assert facts["metrics"]["train"]["mse"] < facts["baseline"]["train"]["mse"]
    assert "z1" in bpcli("predict", "run", "t.csv", cwd=tmp_path).stdout


def test_a_network_is_there_by_default(tmp_path: Path) -> None:
    given(tmp_path, "data: {path: t.csv}\ntask: autoencoder\nepochs: 3\n")
    assert train(tmp_path / "c.yaml", cwd=tmp_path)["latent"] == 4


def test_the_terminal_shows_errors_and_inputs(trained: Trained) -> None:
    folder, _ = trained
    done = bpcli("train", "c.yaml", "-o", "shown", cwd=folder)
    for word in ("explained", "principal components", "baseline", "colour=red", "2 numbers of"):
        assert word in done.stdout
    assert "autoencoder of all rows, compared with kind" in done.stderr
    refused = bpcli("train", "c.yaml", "-o", "drawn", "--picture", cwd=folder, code=2)
    assert "clusters" in refused.stderr


def test_other_commands_on_an_autoencoder(trained: Trained) -> None:
    folder, _ = trained
    layers = json.loads(bpcli("plan", "c.yaml", "--json", cwd=folder).stdout)["layers"]
    assert [layer["layer"] for layer in layers] == ["dense", "tanh", "dense", "parallel"]
    assert "agrees" in bpcli("gradcheck", "c.yaml", cwd=folder).stdout
    bpcli("diagnose", "run", cwd=folder)
    bpcli("train", "c.yaml", "-o", "other", "--seed", "5", cwd=folder)
    assert "without a target" in bpcli("compare", "run", "other", cwd=folder).stdout


def test_init_writes_a_config_that_trains(tmp_path: Path) -> None:
    given(tmp_path)
    bpcli("init", "t.csv", "--set", "task=autoencoder", "-o", "n.yaml", cwd=tmp_path)
    facts = train(tmp_path / "n.yaml", "--set", "epochs=5", cwd=tmp_path)
    assert facts["latent"] >= 1
