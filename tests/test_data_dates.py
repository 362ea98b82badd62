"""Dates: which formats are found, how they are read, and the inputs that they become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from test_data_features import fit, ready
from test_data_read import problems_of, table_of
from test_data_roles import column, roles_of

from bpcli.data.dates import days_of, guess_format
from bpcli.data.layout import FeatureLayout
from bpcli.data.prepare import prepare
from bpcli.data.roles import describe_dates
from bpcli.data.scalers import Standard
from bpcli.data.spec import DataSpec, PreprocessSpec, SplitSpec

GUESSES = {
    "ISO": (["2017-01-31", "2017-12-01"], ["%Y-%m-%d"]),
    "slashes": (["2017/1/31"], ["%Y/%m/%d"]),
    "with a time": (["2017-01-31 10:00"], ["%Y-%m-%d %H:%M"]),
    "with seconds": (["2017-01-31T10:00:59.25"], ["%Y-%m-%dT%H:%M:%S"]),
    "with an offset": (
        ["2017-01-31T10:00:00Z", "2017-01-31T10:00:00+02:00"],
        ["%Y-%m-%dT%H:%M:%S%z"],
    ),
    "day first": (["1/2/2017", "13/2/2017"], ["%d/%m/%Y"]),
    "month first": (["1/2/2017", "2/13/2017"], ["%m/%d/%Y"]),
    "either first": (["1/2/2017", "3/4/2017"], ["%d/%m/%Y", "%m/%d/%Y"]),
    "as often one as the other": (["13/2/2017", "2/13/2017"], ["%d/%m/%Y", "%m/%d/%Y"]),
    "dots": (["1.2.2017"], ["%d.%m.%Y"]),
    "dashes and a time": (["31-1-2017 9:05"], ["%d-%m-%Y %H:%M"]),
    "after a slip": (["unknown", "2017-01-31"], ["%Y-%m-%d"]),
    "words": (["a", "b"], []),
    "numbers": (["20170131", "1.5"], []),
    "two signs": (["2017-01/31"], []),
    "nothing": ([], []),
}


@pytest.mark.parametrize("case", GUESSES)
def test_a_format_is_found_from_the_values(case: str) -> None:
    words, formats = GUESSES[case]
    assert list(guess_format(words).formats) == formats


def test_the_word_that_decided_is_named() -> None:
    assert guess_format(["1/2/2017", "1/13/2017"]).decided_by == "1/13/2017"
    assert guess_format(["2017-01-02"]).decided_by == ""


DAYS = [
    ("1970-01-01", "%Y-%m-%d", 0),
    ("1969-12-31", "%Y-%m-%d", -1),
    ("2000-2-29", "%Y-%m-%d", 11016),
    ("29.02.00", "%d.%m.%y", 11016),
    ("1/1/69", "%d/%m/%y", -365),
    ("1 January 1970", "%d %b %Y", 0),
    ("2-FEB-1970", "%d-%b-%Y", 32),
    ("1970", "%Y", 0),
    ("197002", "%Y%m", 31),
    ("1970-01-02 06:00", "%Y-%m-%d %H:%M", 1.25),
    ("1970-01-01T00:00:43.2", "%Y-%m-%dT%H:%M:%S", 0.0005),
    ("1970-01-02T06:00+06:00", "%Y-%m-%dT%H:%M%z", 1),
    ("1970-01-01T18:00-0600", "%Y-%m-%dT%H:%M%z", 1),
    *[("2001-02-29", "%Y-%m-%d", None), ("2001-13-01", "%Y-%m-%d", None)],
    *[("0000-01-01", "%Y-%m-%d", None), ("2001-01-01 24:00", "%Y-%m-%d %H:%M", None)],
    *[("2001-01-01 10:00:60", "%Y-%m-%d %H:%M:%S", None), ("now", "%Y-%m-%d", None)],
    *[("2001-01-011", "%Y-%m-%d", None), ("٢٠٠١-01-01", "%Y-%m-%d", None)],
    *[("1 Brumaire 1970", "%d %b %Y", None), ("", "%Y", None)],
]


@pytest.mark.parametrize("word, format, days", DAYS)
def test_a_date_is_a_number_of_days(word: str, format: str, days: float | None) -> None:
    expected = np.nan if days is None else days
    np.testing.assert_allclose(days_of([word], format), [expected], atol=1e-11)


@pytest.mark.parametrize("format", ["%d/%m", "%Y-%j", "%Y-%Y", "%Y-%", "%A %Y"])
def test_a_format_that_cannot_work_is_refused(format: str) -> None:
    with pytest.raises(ValidationError, match="expected"):
        DataSpec.model_validate({"path": "x", "columns": {"a": {"date": format}}})


@pytest.mark.parametrize("role", ["date", {"date": "%d/%m/%Y"}, {"date": {"format": "%d/%m/%Y"}}])
def test_a_date_is_declared_in_the_grammar_of_components(tmp_path: Path, role: Any) -> None:
    spec = DataSpec.model_validate({"path": "x", "columns": {"a": role}})
    assert DataSpec.model_validate(spec.model_dump(mode="json")) == spec
    table = column(tmp_path, "a", ["13/1/2017", "14/1/2017"], columns={"a": role})
    assert roles_of(table)["a"].role == "date"


ROLES = {
    "dates": (["2017-01-01", "2017-01-02", "2017-01-01"], "date"),
    "gaps": (["2017-01-01", "", "2017-01-02"], "date"),
    "every row its own": ([f"2017-01-{i:02}" for i in range(1, 31)], "date"),
    "one": (["2017-01-01"] * 3, "constant"),
    "half": (["2017-01-01", "x", "2017-01-02", "z"], "categorical"),
}


@pytest.mark.parametrize("case", ROLES)
def test_a_column_of_dates_is_told_by_its_cells(tmp_path: Path, case: str) -> None:
    cells, role = ROLES[case]
    assert roles_of(column(tmp_path, "when", cells))["when"].role == role


def test_how_day_and_month_were_told_apart_is_said(tmp_path: Path) -> None:
    table = column(tmp_path, "when", ["1/2/2017", "13/2/2017", "2/2/2017"])
    (notice,) = describe_dates(table, tuple(roles_of(table).values()))
    assert (notice.id, notice.where) == ("BP-D118", "when")
    assert notice.what == "read as dates %d/%m/%Y, as '13/2/2017' shows"
    assert "data.columns: {\"when\": {date: '%d/%m/%Y'}}" in notice.fix
    plain = column(tmp_path, "when", ["2017-01-01", "2017-01-02"])
    assert describe_dates(plain, tuple(roles_of(plain).values())) == []


REFUSED = {
    "day or month": (
        ["1/2/2017", "2/3/2017"],
        {},
        "BP-D025",
        "day or month may be first, as in '1/2/2017'",
    ),
    "the way out": (
        ["1/2/2017", "2/3/2017"],
        {},
        "BP-D025",
        "{date: '%d/%m/%Y'}} or data.columns: {\"when\": {date: '%m/%d/%Y'}}",
    ),
    "a slip": (["2017-01-01", "2017-01-02", "2017-02-30"], {}, "BP-D017", "line 4: '2017-02-30'"),
    "a missing word": (
        ["2017-01-01", "2017-01-02", "NA", "NA"],
        {},
        "BP-D017",
        'data.missing: ["", "NA"]',
    ),
    "another format": (
        ["2017-01-01", "2017-01-02"],
        {"columns": {"when": {"date": "%d.%m.%Y"}}},
        "BP-D017",
        "expected dates %d.%m.%Y, but 2 of 2 cells are not",
    ),
    "no usual format": (
        ["20170101", "20170102"],
        {"columns": {"when": "date"}},
        "BP-D025",
        "none of the usual formats",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_dates_that_cannot_be_read_are_refused(tmp_path: Path, case: str) -> None:
    cells, spec, id, words = REFUSED[case]
    table = column(tmp_path, "when", cells, **spec)
    ((found, where, said),) = problems_of(lambda: roles_of(table))
    assert found == id
    assert where.startswith("data.csv")
    assert words in said


def test_a_date_becomes_elapsed_days_and_waves(tmp_path: Path) -> None:
    table = table_of(
        tmp_path, "when,y\n2018-01-01,0\n2018-07-02,1\n,1\n2018-01-08 ,0\n"
    )  # Mondays, the third one with a space behind it
    features = fit(table, [0, 1, 2])
    assert features.layout.names == (
        *("when: days", "when: day of year sin", "when: day of year cos", "when is missing"),
    )
    wave = 2 * np.pi * np.array([0, 182 / 365, 7 / 365])
    expected = [
        [0, 0, 1, 0],
        [182, np.sin(wave[1]), np.cos(wave[1]), 0],
        [91, 0, 0, 1],  # the median, and no season
        [7, np.sin(wave[2]), np.cos(wave[2]), 0],
    ]
    np.testing.assert_allclose(features.encode(table), expected, atol=1e-12)


def test_weekday_and_hour_are_inputs_where_they_vary(tmp_path: Path) -> None:
    rows = "".join(f"2018-01-{d:02} {h:02}:30,{d % 2}\n" for d in (1, 2, 3) for h in (0, 6))
    names = fit(table_of(tmp_path, "t,y\n" + rows)).layout.names
    cycles = [name.removeprefix("t: ").removesuffix(" sin") for name in names[1::2]]
    assert cycles == ["day of year", "weekday", "hour"]
    same = "".join(f"2018-01-{d:02} 10:07,{d % 2}\n" for d in range(1, 9))
    layout = fit(table_of(tmp_path, "t,y\n" + same)).layout
    assert layout.dates[0].cycles == ("day of year", "weekday")


def test_days_are_scaled_by_training_rows_like_a_number(tmp_path: Path) -> None:
    table = table_of(tmp_path, "x,when,y\n1,2018-01-03,0\n3,2018-01-01,1\n5,2019-01-01,0\n")
    features = fit(table, [0, 1], Standard())
    assert features.layout.scaled == ("x", "when: days")
    assert features.layout.dates[0].origin == 17532
    assert features.encode(table)[:, 1].tolist() == [1, -1, 364]
    shapes = {name: tensor.shape for name, tensor in features.fitted.items()}
    assert shapes == features.layout.tensor_shapes()
    layout = features.layout
    assert FeatureLayout.model_validate_json(layout.model_dump_json()) == layout


def test_new_dates_are_read_by_the_format_of_the_training_file(tmp_path: Path) -> None:
    features = fit(table_of(tmp_path, "when,y\n13/1/2018,0\n14/2/2018,1\n"))
    encoded = features.encode(table_of(tmp_path, "when\n3/2/2018\n"))
    assert encoded[0, 0] == 21  # the third of February
    table = table_of(tmp_path, "when\n2/28/2018\n")
    ((id, where, said),) = problems_of(lambda: features.encode(table))
    assert (id, where) == ("BP-D017", "data.csv, line 2")
    assert "expected dates %d/%m/%Y" in said


def test_a_gap_in_dates_that_training_had_not_is_counted(tmp_path: Path) -> None:
    features = fit(table_of(tmp_path, "when,x,y\n2018-01-01,1,0\n2018-01-02,2,1\n"))
    (notice,) = features.compare(table_of(tmp_path, "when,x\n,1\n"))
    assert (notice.id, "'when': 1 cells" in notice.what) == ("BP-D111", True)


def test_what_was_found_is_declared_and_gives_the_same_bytes(tmp_path: Path) -> None:
    rows = "".join(f"{d}/{d % 12 + 1}/2017;{'yn'[d % 3 > 0]};{d}\n" for d in range(1, 29))
    first = ready(tmp_path, "when;flag;y\n" + rows, task="regression")
    settings = first.settings()
    assert settings["columns"]["when"].written() == {"date": {"format": "%d/%m/%Y"}}
    assert settings["columns"]["flag"].written() == "boolean"
    spec = DataSpec.model_validate({"path": "data.csv", **settings})
    again = prepare(spec, SplitSpec(), PreprocessSpec(), "regression", 0, tmp_path)
    assert again.x.tobytes() == first.x.tobytes()
    assert again.features.layout == first.features.layout
    assert not {"BP-D115", "BP-D118"} & {notice.id for notice in again.notices}


def test_a_date_can_be_the_only_feature(tmp_path: Path) -> None:
    rows = "".join(f"2017-01-{d:02},{d}.5\n" for d in range(1, 29))
    assert np.isfinite(ready(tmp_path, "when,y\n" + rows).x).all()
