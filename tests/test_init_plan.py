"""bpcli init and bpcli plan: a first config, and what it would train."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from running import ROOT, bpcli, train

SHARED = ROOT.parent / "shared" / "datasets"
TABLES = {
    "titanic_train.csv": ("-t", "Survived"),
    "penguins_raw.csv": ("-t", "Species"),
    "bank-additional.csv": ("-t", "y"),
    "mpg.csv": ("-t", "mpg"),
    "car_evaluation.csv": ("--set", "data.header=false"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_real_table_trains_with_no_edit_and_beats_its_baseline(tmp_path: Path, name: str) -> None:
    if not (SHARED / name).exists():
        pytest.skip("the shared data sets are not here")
    bpcli("init", SHARED / name, *TABLES[name], "-o", "c.yaml", cwd=tmp_path)
    facts = train(tmp_path / "c.yaml", cwd=tmp_path)
    test, baseline = facts["metrics"]["test"], facts["baseline"]["test"]
    if "rmse" in test:
        assert test["rmse"] < baseline["rmse"]
    else:
        assert test["accuracy"] > baseline["accuracy"]
        assert test["log_loss"] < baseline["log_loss"]


def messy(tmp_path: Path) -> Path:
    rows = "\n".join(
        f"{i};A{i:03d};{i % 7},5;{'NA' if i % 5 == 0 else i % 3};{i % 2}" for i in range(40)
    )
    path = tmp_path / "messy.csv"
    path.write_text(f"row id;code;size;kind;ok\n{rows}\n")
    return path


def test_the_config_says_what_was_found_and_why(tmp_path: Path) -> None:
    bpcli("init", messy(tmp_path), "--set", "data.decimal=','", cwd=tmp_path)
    text = (tmp_path / "messy.yaml").read_text()
    for said in ("delimiter: ;", "decimal: ','", "NA", "target: ok", "row id: id", "size: numeric"):
        assert said in text
    assert bpcli("validate", "messy.yaml", cwd=tmp_path)
    assert train(tmp_path / "messy.yaml", "--set", "epochs=2", cwd=tmp_path)["epochs"] == 2


def test_what_is_set_stands_in_the_config(tmp_path: Path) -> None:
    changes = (
        "data.missing=['', NA]",
        "data.weight=size",
        "loss=mae",
        "epochs=7",
        "ema=0.9",
    )
    sets = [word for change in ("data.decimal=','", *changes) for word in ("--set", change)]
    bpcli("init", messy(tmp_path), "-t", "kind", *sets, cwd=tmp_path)
    text = (tmp_path / "messy.yaml").read_text()
    for said in ('missing: ["", NA]', "weight: size", "loss: mae", "epochs: 7", "ema: 0.9"):
        assert said in text
    assert "task: regression" in text
    assert train(tmp_path / "messy.yaml", cwd=tmp_path)["epochs"] <= 7


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    data = messy(tmp_path)
    (tmp_path / "messy.yaml").write_text("mine")
    assert "--force" in bpcli("init", data, cwd=tmp_path, code=6).stderr
    assert (tmp_path / "messy.yaml").read_text() == "mine"
    bpcli("init", data, "-o", data, "-f", cwd=tmp_path, code=6)


def test_init_prints_where_asked(tmp_path: Path) -> None:
    done = bpcli("init", ROOT / "data" / "iris.csv", "-o", "-", cwd=tmp_path)
    assert "target: species" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = bpcli("init", ROOT / "data" / "iris.csv", "-t", "specis", cwd=tmp_path, code=4)
    assert "did you mean 'species'" in done.stderr


def test_plan_counts_parameters_and_trains_nothing(tmp_path: Path) -> None:
    config = ROOT / "configs" / "iris.yaml"
    facts = json.loads(bpcli("plan", config, "--json", cwd=tmp_path).stdout)
    assert facts["parameters"] == 4 * 16 + 16 + 16 * 16 + 16 + 16 * 3 + 3
    assert sum(layer["parameters"] for layer in facts["layers"]) == facts["parameters"]
    assert facts["iterations"] == 2000
    assert 0 < facts["seconds"] < 600
    assert "dense" in bpcli("plan", config, cwd=tmp_path).stdout
    assert list(tmp_path.iterdir()) == []


def test_the_role_of_each_column_is_said_with_its_reason(tmp_path: Path) -> None:
    header, rows = "n,flag,day,kind,y\n", ("1,yes,2001-02-03,a,0\n", "2,no,2001-02-04,b,1\n")
    (tmp_path / "t.csv").write_text(header + "".join(rows) * 20)
    (tmp_path / "t.yaml").write_text("data: {path: t.csv, target: y, columns: {n: id}}")
    said = bpcli("plan", "t.yaml", cwd=tmp_path).stderr
    for words in (
        "id: n\n",
        "boolean: flag (every cell means yes or no)",
        "date: day (its cells are dates)",
        "categorical: kind (2 different texts)",
    ):
        assert words in re.sub(r" +\n", "\n", said)


def test_what_does_not_fit_memory_is_refused_before_it_is_tried(tmp_path: Path) -> None:
    wide = "network=[{dense: 900000}, {dense: 900000}]"
    for command in ("plan", "train"):
        done = bpcli(command, ROOT / "configs" / "iris.yaml", "--set", wide, cwd=tmp_path, code=8)
        assert "GB" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("cells", "decimal", "seen"),
    [
        (lambda i: f"{i % 7},5", (), True),
        (lambda i: f"{i % 7},5" if i % 3 else f"{i % 7}", (), True),
        (lambda i: f"{1 + i % 9},{i * 37 % 11:03d}", (), False),  # may be thousands
        (lambda i: f"{i % 7},{i % 5},1", (), False),
        (lambda i: f"{i % 7},5", ("--set", "data.decimal=."), False),
    ],
)
def test_a_decimal_comma_is_seen(
    cells: Callable[[int], str], decimal: tuple[str, ...], seen: bool, tmp_path: Path
) -> None:
    lines = [f"{cells(i)};{i % 4};{i * i}" for i in range(1, 60)]
    (tmp_path / "t.csv").write_text("\n".join(["a;b;y", *lines]) + "\n")
    text = bpcli("init", "t.csv", "--target", "y", "-o", "-", *decimal, cwd=tmp_path).stdout
    assert ("decimal: ','" in text) == ("a: numeric" in text) == seen
