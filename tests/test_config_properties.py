"""Properties of every config: it reads back as itself, and each change of a key is noticed."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from components import members, on_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.config.build import build
from bpcli.config.component import Component
from bpcli.config.document import parse_document, read_document
from bpcli.config.dump import dump
from bpcli.config.errors import ConfigError
from bpcli.config.places import path_text
from bpcli.data.scalers import Scaler
from bpcli.experiment.config import Config
from bpcli.experiment.presets import Preset
from bpcli.nn.layer import Layer
from bpcli.nn.losses.loss import Loss
from bpcli.nn.optimizers.optimizer import Optimizer
from bpcli.nn.schedules import Schedule

Written = dict[str, Any]
PATH = tuple[str | int, ...]


def written(family: type[Component]) -> st.SearchStrategy[Any]:
    """Every component of a family in its fullest written form."""
    return st.sampled_from([one.written() for one in members(family)])


# Those for images ask for an input, which asks for columns that hold them.
PRESETS = st.sampled_from([one.written() for one in members(Preset) if not one.images])
LAYERS = st.sampled_from([one.written() for one in members(Layer) if on_rows(one, 6)[1] == [one]])
SHARE = st.floats(0, 0.49)
POSITIVE = st.floats(1e-300, 1e300)
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "seed": st.integers(0, 2**63 - 1),
    "task": st.sampled_from(["auto", "regression", "binary", "multiclass"]),
    "split": st.fixed_dictionaries({}, optional={"validation": SHARE, "test": SHARE}),
    "preprocess": st.fixed_dictionaries(
        {"numeric": st.sampled_from([s.written() for s in members(Scaler) if not s.positive])},
        optional={
            "target": written(Scaler),
            "categorical": st.fixed_dictionaries({"max_levels": st.integers(2, 999)}),
        },
    ),
    "network": st.lists(LAYERS, max_size=4) | PRESETS,
    "loss": written(Loss),
    "optimizer": written(Optimizer),
    "schedule": written(Schedule),
    "learning_rate": POSITIVE,
    "batch_size": st.sampled_from(["full", "auto", 1, 256]),
    "stop": st.fixed_dictionaries({}, optional={"threshold": POSITIVE, "min_delta": POSITIVE}),
    "dtype": st.sampled_from(["float32", "float64"]),
    "threads": st.sampled_from(["auto", 1, 8]),
    "epochs": st.integers(1, 10**6),
}
NAMES = st.text(min_size=1, max_size=8)
DATA = st.fixed_dictionaries(
    {"path": NAMES.filter(lambda path: path != "")},
    optional={
        "target": NAMES,
        "columns": st.dictionaries(NAMES, st.sampled_from(["numeric", "drop", "date"]), max_size=3),
        "missing": st.lists(st.text(max_size=4), max_size=3),
    },
)
CONFIGS = st.fixed_dictionaries({"data": DATA}, optional=OPTIONAL)
quickly = settings(derandomize=True, max_examples=100, deadline=None)


def read(value: Written) -> Config:
    return build(parse_document(dump(value), "c.yaml"), Config)


@quickly
@given(CONFIGS)
def test_a_config_reads_back_as_itself(value: Written) -> None:
    config = read(value)
    assert read(config.model_dump(mode="json")) == config


def keys(value: Any, path: PATH = ()) -> list[PATH]:
    """The path of every key that the vocabulary knows."""
    if isinstance(value, list):
        return [key for i, item in enumerate(value) for key in keys(item, (*path, i))]
    if not isinstance(value, dict) or path == ("data", "columns"):
        return []
    return [one for key, item in value.items() for one in ((*path, key), *keys(item, (*path, key)))]


def put(value: Written, path: PATH, key: str, entry: Any) -> Written:
    """A copy in which the key at the end of the path is `key`, with this entry."""
    changed: Any = deepcopy(value)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[key] = entry if entry is not None else inner[path[-1]]
    if key != path[-1]:
        del inner[path[-1]]
    return dict(changed)


@quickly
@given(CONFIGS, st.data())
def test_a_key_with_another_letter_is_named(value: Written, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(keys(value)))
    mistyped = f"{path[-1]}x"
    with pytest.raises(ConfigError) as caught:
        read(put(value, path, mistyped, None))
    assert any(mistyped in problem.what for problem in caught.value.problems)


@quickly
@given(CONFIGS, st.data())
def test_a_value_of_a_wrong_kind_is_named(value: Written, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(keys(value)))
    with pytest.raises(ConfigError) as caught:
        read(put(value, path, str(path[-1]), [["wrong"]]))
    assert any(path_text(path) in problem.where for problem in caught.value.problems)


def test_a_required_key_that_is_missing_is_named() -> None:
    with pytest.raises(ConfigError, match="'data' is missing"):
        read({"seed": 1})


@quickly
@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from("rgefE"))
def test_every_spelling_of_a_number_is_that_number(number: float, form: str) -> None:
    text = repr(number) if form == "r" else f"{number:.17{form}}"
    found = parse_document(f"a: {text}", "c.yaml").value["a"]
    assert found == float(text)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.binary(max_size=200) | CONFIGS.map(lambda value: dump(value).encode()), st.data())
def test_any_bytes_are_a_config_or_a_config_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, data: st.DataObject
) -> None:
    if content:
        at = data.draw(st.integers(0, len(content) - 1))
        content = content[:at] + data.draw(st.binary(max_size=3)) + content[at + 1 :]
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    try:
        build(read_document(path), Config)
    except ConfigError as error:
        assert all(p.id and p.where and p.what for p in error.problems)
