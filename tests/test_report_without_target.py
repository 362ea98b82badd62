"""`bpcli report` of clusters and autoencoders: what they came to, and no word about a target."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import ROOT, bpcli
from test_report import Elements

IRIS = ROOT / "data" / "iris.csv"
NARROW = "network: [{dense: 2}]\nlearning_rate: 0.01\n"
CONFIGS = {
    "clusters": "loss: {kmeans: 3}\n",
    "deep clusters": NARROW + "loss: {idec: {k: 3, pretrain: 2}}\n",
    "autoencoder": NARROW + "task: autoencoder\n",
}
SAID = {
    "clusters": ("silhouette", "cluster 3", "petal_length", "one cluster"),
    "deep clusters": ("silhouette", "cluster 3", "k-means, columns", "k-means, latent"),
    "autoencoder": ("principal components", "By column, test rows", "petal_length"),
}


@pytest.fixture(scope="module", params=CONFIGS)
def reported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of a kind and its report; the folder is named by the kind."""
    folder = tmp_path_factory.mktemp("report") / request.param
    folder.mkdir()
    (folder / "t.csv").write_bytes(IRIS.read_bytes())
    text = "data: {path: t.csv, label: species}\nepochs: 5\n" + CONFIGS[request.param]
    (folder / "c.yaml").write_text(text)
    bpcli("train", "c.yaml", "-o", "run", cwd=folder)
    bpcli("report", "run", cwd=folder)
    return folder


def elements_of(folder: Path) -> Elements:
    return Elements.of((folder / "run" / "report.html").read_text(encoding="utf-8"))


def charts_of(elements: Elements) -> list[str | None]:
    """But for that of the learning rate, which not every schedule has."""
    labels = [attrs.get("aria-label") for tag, attrs in elements.tags if tag == "svg"]
    return [label for label in labels if label != "learning rate over the epochs"]


def test_the_page_tells_what_there_is(reported: Path) -> None:
    elements = elements_of(reported)
    record = json.loads((reported / "run" / "run.json").read_text())
    for said in (record["run"], record["data"]["sha256"], *SAID[reported.name]):
        assert said in elements.text, said
    pictured = ["clusters"] if "clusters" in reported.name else []
    assert charts_of(elements) == [*pictured, "loss over the epochs"]


def test_nothing_is_said_of_targets(reported: Path) -> None:
    elements = elements_of(reported)
    sections = [attrs.get("id") for tag, attrs in elements.tags if tag == "section"]
    assert sections == ["result", "training", "data", "again"]
    assert elements.programs == []
    assert "What if" not in elements.text and "Importance" not in elements.text


def test_other_data_cost_the_picture_only(reported: Path) -> None:
    with (reported / "t.csv").open("a") as file:
        file.write("5,3,1,0.2,setosa\n")
    bpcli("report", "run", "--force", cwd=reported)
    assert charts_of(elements_of(reported)) == ["loss over the epochs"]
