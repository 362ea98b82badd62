"""The equations of linear models reproduce their predictions from the cells of a table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import bpcli, table, train, write_csv

COMMON = "network: linear\nepochs: 3\n"
CONFIGS = {
    "value": "data: {path: d.csv, target: [y, v], columns: {DROP}}\n",
    "minmax": (
        "data: {path: d.csv, target: y, columns: {DROP}}\n"
        "preprocess: {numeric: minmax, target: minmax}\n"
    ),
    "quantiles": (
        "data: {path: d.csv, target: y, columns: {DROP}}\nloss: {quantile: {levels: [0.2, 0.8]}}\n"
    ),
    "counts": "data: {path: d.csv, target: n, columns: {DROP}}\nloss: poisson\n",
    "log": "data: {path: d.csv, target: v, columns: {DROP}}\npreprocess: {target: log}\n",
    "two classes": "data: {path: d.csv, target: pass, columns: {DROP}}\n",
    "two scores": "data: {path: d.csv, target: pass, columns: {DROP}}\nloss: cross_entropy\n",
    "three classes": "data: {path: d.csv, target: kind, columns: {DROP}}\n",
    "labels": "data: {path: d.csv, target: [p, q], columns: {DROP}}\n",
}
TARGETS = ("y", "v", "n", "pass", "kind", "p", "q")


def rows(count: int = 90) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [
        {
            "year": int(1990 + 30 * a),
            "size": f"{b:.3f}",
            "open": "yes" if c > 0.5 else "no",
            "town": ["Ulm", "Bonn", "Köln"][i % 3],
            "side": "LR"[i % 2],
            "y": f"{a + b - c:.4f}",
            "v": f"{np.exp(a - b):.4f}",
            "n": int(9 * a * b),
            "pass": "yes" if a > c else "no",
            "kind": "abc"[int(3 * a)],
            "p": int(a > 0.5),
            "q": int(b > c),
        }
        for i, (a, b, c) in enumerate(rng.random((count, 3)).tolist())
    ]


def total(terms: dict[str, float], row: dict[str, str]) -> float:
    """The right side of an equation for one row."""
    cells: dict[str, float] = {
        "intercept": 1,
        "year": float(row["year"]),
        "size": float(row["size"]),
    }
    cells["open"] = row["open"] == "yes"
    for name in terms:
        column, _, level = name.partition("=")
        if level:
            cells[name] = row[column] == level
    return sum(value * cells[name] for name, value in terms.items())


def expected(scale: str, row: dict[str, str], name: str, outputs: list[str]) -> float:
    """The left side, from the prediction."""
    if scale in ("value", "log"):
        target, _, level = name.partition(" ")
        head = f"prediction_{target}" if f"prediction_{target}" in row else "prediction"
        value = float(row[f"{head}_{level}" if level else head])
        return value if scale == "value" else np.log(value)
    p = float(row[f"p_{name}"])
    if scale == "log-odds":
        return float(np.log(p / (1 - p)))
    return float(np.log(p) - np.mean([np.log(float(row[f"p_{one}"])) for one in outputs]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("linear")
    write_csv(folder / "d.csv", rows())
    return folder


BENT = ("quantile", "robust")
SCALES = {
    "counts": "log",
    "log": "log",
    "two classes": "log-odds",
    "two scores": "log-odds",
    "three classes": "centred log p",
    "labels": "log-odds",
}


@pytest.mark.parametrize("name", CONFIGS)
def test_an_equation_gives_the_prediction(folder: Path, name: str) -> None:
    text = CONFIGS[name]
    named = re.split(r"\W+", text.split("columns")[0].split("target")[1])
    dropped = ", ".join(f"{target}: drop" for target in TARGETS if target not in named)
    config = folder / "c.yaml"
    config.write_text(text.replace("DROP", dropped) + COMMON, encoding="utf-8")
    found = train(config, "-o", "run", "--force", cwd=folder)["equations"]
    assert found["scale"] == SCALES.get(name, "value")
    assert found["reference"] == {"town": "Bonn", "side": "L"}
    predicted = table(bpcli("predict", "run", "d.csv", cwd=folder).stdout)
    outputs = list(found["terms"])
    for given, row in zip(table((folder / "d.csv").read_text("utf-8")), predicted, strict=True):
        left = [expected(found["scale"], {**given, **row}, one, outputs) for one in outputs]
        right = [total(terms, given) for terms in found["terms"].values()]
        if name == "quantiles":  # which a prediction sorts
            right.sort()
        assert right == pytest.approx(left, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    "change",
    ["network=[{dense: 4}, tanh]", "preprocess.numeric=quantile", "preprocess.numeric=robust"],
)
def test_what_is_not_linear_has_no_equation(folder: Path, change: str) -> None:
    config = folder / "bent.yaml"
    config.write_text("data: {path: d.csv, target: y}\nnetwork: linear\nepochs: 2\n")
    assert train(config, "--set", change, cwd=folder)["equations"] is None
