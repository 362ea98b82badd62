"""The account of a run: every record, row, column and cell is somewhere, and the sums agree."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from running import bpcli
from test_data_read import shared_file

HOMES = """\
id,price,rooms,city,garden,built,note,country,code,weight
1,10,3,rome,yes,2001-05-03,fine view,it,007,1
2,,2,oslo,no,2002-06-04,none at all,it,012,1

3,12,,rome,yes,,sunny,it,007,2
4,13,4,"new
york",,2003-07-05,old house,it,012,1
5,14,5,,no,2004-08-06,near a park,it,007,1
6,15,1,rome,maybe not,2005-09-07,far away,it,012,1
"""
CONFIG = """\
data:
  path: homes.csv
  target: price
  weight: weight
  columns: {note: drop, garden: categorical}
split: {validation: 0, test: 0.2}
network: []
epochs: 1
"""
INPUTS = ("numeric", "date", "boolean", "categorical")


def account_of(folder: Path, *arguments: object) -> dict[str, Any]:
    bpcli("train", "homes.yaml", "-o", "run", "-q", "-f", *arguments, cwd=folder)
    record = json.loads((folder / "run" / "run.json").read_text())
    account: dict[str, Any] = record["data"]["account"]
    assert [c["name"] for c in record["columns"]] == sorted(
        (name for role, names in account["columns"].items() if role != "read" for name in names),
        key=[c["name"] for c in record["columns"]].index,
    )
    return account


def reconcile(account: dict[str, Any]) -> None:
    """The sums that the documentation promises."""
    for file in account["files"]:
        assert file["records"] == file["header"] + file["blank"] + file["rows"]
    rows = account["rows"]
    assert sum(file["rows"] for file in account["files"]) == rows["read"]
    sets = ("train", "validation", "test", "calibration")
    assert rows["read"] == sum(rows[name] for name in sets) + sum(rows["excluded"].values())
    columns = dict(account["columns"])
    assert columns.pop("read") == sum(map(len, columns.values()))


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    (tmp_path / "homes.csv").write_text(HOMES)
    (tmp_path / "homes.yaml").write_text(CONFIG)
    return tmp_path


def test_everything_that_was_read_is_accounted_for(homes: Path) -> None:
    account = account_of(homes)
    reconcile(account)
    assert account["files"] == [
        {"name": "homes.csv", "records": 8, "header": 1, "blank": 1, "rows": 6}
    ]
    assert account["rows"] == {
        "read": 6,
        "train": 4,
        "validation": 0,
        "test": 1,
        "calibration": 0,
        "excluded": {"the target is missing": 1},
    }
    assert account["columns"] == {
        "read": 10,
        "id": ["id"],
        "target": ["price"],
        "numeric": ["rooms"],
        "categorical": ["city", "garden", "code"],
        "date": ["built"],
        "drop": ["note"],
        "constant": ["country"],
        "weight": ["weight"],
    }
    filled = account["filled"]
    assert filled["rooms"]["missing"] == filled["built"]["missing"] == 1
    assert filled["city"]["missing"] == filled["garden"]["missing"] == 1
    assert "code" not in filled


def test_a_filled_number_is_the_training_median(homes: Path) -> None:
    account = account_of(homes, "--set", "split.test=0")
    assert account["filled"]["rooms"] == {"missing": 1, "taken_for": 3.5}  # of 1, 3, 4, 5
    assert account["filled"]["city"] == {
        "missing": 1,
        "taken_for": "a category of its own",
        "unseen": 0,
    }


def test_categories_that_are_not_kept_are_counted_as_unseen(homes: Path) -> None:
    account = account_of(
        homes, "--set", "split.test=0", "--set", "preprocess.categorical.max_levels=2"
    )
    assert account["filled"]["garden"]["unseen"] == 1  # yes, no, then maybe not


def test_files_of_their_own_are_counted_each(homes: Path) -> None:
    (homes / "test.csv").write_text("\n".join(HOMES.splitlines()[:3]) + "\n\n\n")
    data = "data={train: homes.csv, test: test.csv, target: price, columns: {id: id}}"
    account = account_of(homes, "--set", data)
    reconcile(account)
    assert [(file["name"], file["blank"], file["rows"]) for file in account["files"]] == [
        ("homes.csv", 1, 6),
        ("test.csv", 2, 2),
    ]
    assert account["rows"]["excluded"] == {"the target is missing": 2}


REAL = {
    "titanic_train.csv": ("Survived", {"Age": 177, "Embarked": 2}),
    "california_housing.csv.gz": ("median_house_value", {"total_bedrooms": 207}),
    "penguins_raw.csv": ("Species", {}),
}


@pytest.mark.parametrize("name", REAL)
def test_a_real_table_is_accounted_for(tmp_path: Path, name: str) -> None:
    target, gaps = REAL[name]
    path = shared_file(name)
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    config = {"data": {"path": str(path), "target": target, "missing": ["", "NA"]}}
    (tmp_path / "homes.yaml").write_text(json.dumps(config | {"network": [], "epochs": 1}))
    account = account_of(tmp_path)
    reconcile(account)
    (file,) = account["files"]
    assert file["records"] == len(re.findall(rb"\n", raw))
    filled = {name: facts["missing"] for name, facts in account["filled"].items()}
    assert gaps.items() <= filled.items()
