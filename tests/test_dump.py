"""Dumped values read back as the same values, by our reader and by those for YAML 1.1."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.config.document import parse_yaml
from bpcli.config.dump import dump

WORDS = st.text() | st.from_regex(
    r"[-+0-9._:eExonyNY~<>=!&*?|%@{}\[\], '\"#\n]{0,8}", fullmatch=True
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | WORDS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(VALUES)
def test_every_value_reads_back(value: Any) -> None:
    text = dump(value)
    assert parse_yaml(text, "c.yaml").value == value
    assert yaml.safe_load(text) == value


def test_the_layout() -> None:
    hidden = {"dense": {"units": 16, "init": "he"}}
    value = {
        "data": {"path": "iris.csv", "columns": {"2024": "drop"}},
        "network": [hidden, "relu", {"residual": {"layers": [hidden, hidden, hidden]}}],
        "optimizer": {"adam": {"beta1": 0.9}},
        "rates": [0.001, 1e-5, 1e16, 1.0],
        "stop": {},
        "missing": [],
    }
    assert (
        dump(value)
        == """\
data:
  path: iris.csv
  columns:
    '2024': drop
network:
  - {dense: {units: 16, init: he}}
  - relu
  - residual:
      layers:
        - {dense: {units: 16, init: he}}
        - {dense: {units: 16, init: he}}
        - {dense: {units: 16, init: he}}
optimizer:
  adam:
    beta1: 0.9
rates: [0.001, 1.0e-05, 1.0e+16, 1.0]
stop: {}
missing: []
"""
    )


WORDS_OF_YAML_1_1 = ["no", "On", "y", "N", "1_000", "1:30", "2024-01-01", "=", "<<"]
WORDS_OF_YAML_1_2 = ["null", "~", "", "010", "0o17", "1e3", "9" * 30]
NEVER_PLAIN = ["a: b", "- a", " a", "a #b", "a\nb", "a\x85b", "\x1b", "*x", "!x"]


@pytest.mark.parametrize("text", [*WORDS_OF_YAML_1_1, *WORDS_OF_YAML_1_2, *NEVER_PLAIN])
def test_text_that_some_reader_takes_for_something_else_is_quoted(text: str) -> None:
    assert dump([text])[1] in "'\""


@pytest.mark.parametrize("text", ["relu", "../data/iris.csv", "ünï", "网络", "network", "yes_no"])
def test_other_text_is_not_quoted(text: str) -> None:
    assert dump([text]) == f"[{text}]\n"


def test_the_same_list_twice_is_written_twice() -> None:
    shared = [1, 2]
    assert dump({"a": shared, "b": shared}) == "a: [1, 2]\nb: [1, 2]\n"


def test_a_long_list_takes_a_line_for_each_item() -> None:
    assert dump({"a": list(range(100, 130))}).splitlines()[:2] == ["a:", "  - 100"]
