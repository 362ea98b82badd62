"""Ten real tables with only the target named, and whatever option the messages then ask for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
from test_data_read import shared_file

from bpcli.config.errors import DataError
from bpcli.data.prepare import Prepared, prepare
from bpcli.data.spec import DataSpec, PreprocessSpec, SplitSpec
from bpcli.data.split import TEST, TRAIN, VALIDATION

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Real(NamedTuple):
    """A table, what is said about it, and what becomes of it."""

    target: str | None
    task: str
    asked: Mapping[str, Any] = NOTHING  # the option that an error or a notice names
    words: str = ""  # with which it names it
    roles: Mapping[str, str] = NOTHING
    inputs: int | None = None  # where a reader can count them


REAL = {
    "titanic_train.csv": Real(
        "Survived",
        "binary",
        roles={"PassengerId": "id", "Name": "text", "Sex": "categorical", "Age": "numeric"},
        inputs=13,
    ),
    "california_housing.csv.gz": Real(
        "median_house_value", "regression", roles={"ocean_proximity": "categorical"}
    ),
    "penguins_raw.csv": Real(
        "Species",
        "multiclass",
        {"missing": ("", "NA")},
        'data.missing: ["", "NA"]',
        {"Date Egg": "date", "Clutch Completion": "boolean", "Stage": "constant"},
    ),
    "bank-additional.csv": Real(
        "y",
        "binary",
        {"missing": ("", "unknown")},
        'data.missing: ["", "unknown"]',
        {"housing": "boolean", "loan": "boolean", "job": "categorical"},
    ),
    "SeoulBikeData.csv": Real(
        "Rented Bike Count",
        "regression",
        roles={"Date": "date", "Functioning Day": "boolean", "Hour": "numeric"},
    ),
    "LetterRecognition.csv": Real("lettr", "multiclass", inputs=16),
    "car_evaluation.csv": Real(
        "c7", "multiclass", {"header": False}, "data.header: false", {"c3": "categorical"}
    ),
    "mpg.csv": Real(
        "mpg", "regression", roles={"origin": "categorical", "name": "text"}, inputs=11
    ),
    "Skin_NonSkin.txt.gz": Real("c4", "binary", {"header": False}, "data.header: false"),
    "CASP.csv.gz": Real("RMSD", "regression", inputs=9),
}


def prepared(name: str, **settings: Any) -> Prepared:
    data = DataSpec(path=name, **settings)
    return prepare(data, SplitSpec(), PreprocessSpec(), "auto", 0, shared_file(name).parent)


@pytest.mark.parametrize("name", REAL)
def test_a_real_table_becomes_finite_inputs(name: str) -> None:
    real = REAL[name]
    ready = prepared(name, target=real.target, **real.asked)
    assert ready.task == real.task
    assert np.isfinite(ready.x).all()
    assert np.isfinite(ready.t).all()
    assert (
        len(ready.x)
        == ready.table.n_rows
        == sum(len(ready.rows(w)) for w in (TRAIN, VALIDATION, TEST))
    )
    assert real.inputs in (None, ready.x.shape[1])
    roles = {column.name: column.role for column in ready.columns}
    assert {column: roles[column] for column in real.roles} == real.roles


@pytest.mark.parametrize("name", [name for name, real in REAL.items() if real.asked])
def test_the_option_that_a_real_table_needs_is_named(name: str) -> None:
    real = REAL[name]
    named = None if "header" in real.asked else real.target  # c7 is no name of the header
    try:
        said = [notice.fix for notice in prepared(name, target=named).notices]
    except DataError as error:
        said = [problem.fix for problem in error.problems]
    assert any(real.words in fix for fix in said)


@pytest.mark.parametrize(
    "name, settings, words",
    [
        ("SeoulBikeData.csv", {"target": "Rented Bike Count"}, "%d/%m/%Y, as '13/12/2017' shows"),
        ("bank-additional.csv", {}, "'unknown' is read as text like any other, in 'job' (39)"),
        ("bank-additional.csv", {}, 'separated by ";"'),
        ("Skin_NonSkin.txt.gz", {"header": False}, r'separated by "\t"'),
    ],
)
def test_what_was_found_in_a_real_table_is_said(
    name: str, settings: dict[str, Any], words: str
) -> None:
    assert any(words in notice.what for notice in prepared(name, **settings).notices)


def test_a_real_table_can_be_divided_by_its_dates() -> None:
    ready = prepared("SeoulBikeData.csv", target="Rented Bike Count", time="Date")
    days = ready.table.days("Date", "%d/%m/%Y")
    assert days[ready.rows(TRAIN)].max() < days[ready.rows(VALIDATION)].min()
    assert days[ready.rows(VALIDATION)].max() < days[ready.rows(TEST)].min()
    assert len(ready.rows(TEST)) == pytest.approx(0.2 * 8760, abs=24)
