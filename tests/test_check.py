"""`bpcli check` finds every planted fault, and on clean tables nothing but what is true of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from bad_inputs.case import command
from faulty import CONFIG, TABLES, clean, text
from running import ROOT, bpcli

from bpcli.experiment.load import load
from bpcli.experiment.problem import LearningProblem
from bpcli.insight.audit.audit import audit
from bpcli.insight.audit.drift import drift
from bpcli.insight.audit.shuffled import Beyond, shuffled_trainings
from bpcli.runs.resolved import prepare_and_resolve

SMALL = CONFIG + "network: [{dense: 8}, tanh]\nepochs: 20\n"
SHARED = ROOT.parent / "shared" / "datasets"


def problem_of(config: Path) -> LearningProblem:
    prepared, resolved = prepare_and_resolve(load(config))
    return LearningProblem.of(resolved, prepared)


def written(folder: Path, config: str, table: str = "") -> Path:
    if table:
        (folder / "t.csv").write_text(table, encoding="utf-8")
    (folder / "c.yaml").write_text(config, encoding="utf-8")
    return folder / "c.yaml"


def ids(config: Path) -> set[str]:
    return {one.id for one in audit(problem_of(config)).findings}


@pytest.mark.parametrize("fault", TABLES)
def test_a_planted_fault_is_found(fault: str, tmp_path: Path) -> None:
    id, table = TABLES[fault]
    assert id in ids(written(tmp_path, CONFIG, table))


@pytest.mark.parametrize("classes", [False, True], ids=["numbers", "classes"])
def test_a_clean_table_has_none(classes: bool, tmp_path: Path) -> None:
    assert ids(written(tmp_path, CONFIG, text(clean(classes)))) == set()


TRUE = {  # what is true of the tables: constants, texts, repeated rows, words for missing cells
    "wine": set(),
    "iris": {"BP-D145"},
    "diabetes": set(),
    "breast_cancer": set(),
    "digits": {"BP-D104"},
    "linear_regression": set(),
}


@pytest.mark.parametrize("name", TRUE)
def test_the_shipped_tables(name: str) -> None:
    assert ids(ROOT / "configs" / f"{name}.yaml") == TRUE[name]


OTHERS = {
    "titanic_train.csv": ("Survived", {"BP-D104", "BP-D145", "BP-A004", "BP-A005"}),
    "california_housing.csv.gz": ("median_house_value", set()),
    "penguins_raw.csv": ("Species", {"BP-D104", "BP-D117"}),
    "bank-additional.csv": ("y", {"BP-D117"}),
    "SeoulBikeData.csv": ("Rented Bike Count", set()),
    "LetterRecognition.csv": ("lettr", {"BP-D145", "BP-A004"}),
    "mpg.csv": ("mpg", {"BP-D104"}),
}
DATED = {"BP-A007"}  # seasons: neighbours in time are like each other, more or less


@pytest.mark.parametrize("name", OTHERS)
def test_other_tables(name: str, tmp_path: Path) -> None:
    if not SHARED.exists():
        pytest.skip("the tables are not here")
    target, true = OTHERS[name]
    missing = ", missing: ['', NA]" if name.startswith("penguins") else ""
    config = f"data: {{path: {SHARED / name}, target: {target}{missing}}}\n"
    found = ids(written(tmp_path, config))
    dated = DATED if name.startswith(("penguins", "Seoul")) else set()
    assert found - dated == true - ({"BP-D117"} if missing else set())


def test_drift_is_named_by_chance_only(tmp_path: Path) -> None:
    """Of 40 splits of columns that do not differ, none is said to."""
    config = written(tmp_path, CONFIG, text(clean()))
    prepared = problem_of(config).prepared
    rng = np.random.default_rng(0)
    for _ in range(40):
        assert list(drift(prepared._replace(sets=rng.permutation(prepared.sets)))) == []


def test_shuffled_targets_of_clean_rows_cannot_be_learned(tmp_path: Path) -> None:
    problem = problem_of(written(tmp_path, SMALL, text(clean())))
    found = list(shuffled_trainings(problem, 6))
    assert {rows for rows, _ in found} == {"test"}
    beyond = Beyond("test", tuple(value for _, value in found))
    assert beyond.notices() == [] and abs(beyond.mean) < 0.2
    assert len(set(beyond.correlations)) == 6


def test_the_command_prints_findings_and_counts_them(tmp_path: Path) -> None:
    id, table = TABLES["the target as a column"]
    written(tmp_path, CONFIG, table)
    done = bpcli("check", "c.yaml", cwd=tmp_path)
    assert f"finding[{id}]" in done.stdout and "data.columns" in done.stdout
    assert done.stdout.endswith("1 finding in 240 rows\n")


def test_strict_and_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, SMALL, text(clean()))
    monkeypatch.chdir(tmp_path)
    code, out, err = command(["check", "c.yaml", "--strict", "--json", "--permute", "2"])
    assert code == 0, err
    facts = json.loads(out)
    assert facts["findings"] == [] and facts["shuffled"]["trainings"] == 2
    written(tmp_path, CONFIG, TABLES["a constant"][1])
    code, out, _ = command(["check", "c.yaml", "--strict", "--json"])
    assert code == 9
    assert [one["id"] for one in json.loads(out)["problems"]] == ["BP-D104"]
