"""A document into a model: every problem at its place, in words, with a way out."""

from __future__ import annotations

from textwrap import dedent
from typing import Annotated, Any, Literal, Self

import pytest
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from bpcli.config.build import build
from bpcli.config.component import Component, Spec
from bpcli.config.document import Document, parse_document
from bpcli.config.errors import ConfigError, Problem
from bpcli.config.overrides import override


class Activation(Component):
    family = "test_build_layer"


class Relu(Activation):
    """max(0, x)."""

    name = "relu"


class Dense(Activation):
    """x W + b."""

    name = "dense"
    units: Annotated[int, Field(ge=1, description="number of outputs")]
    init: Literal["he", "glorot"] = "he"


class Residual(Activation):
    """x + f(x)."""

    name = "residual"
    layers: Annotated[tuple[Activation, ...], Field(strict=False, min_length=1)]


class Rate(Component):
    family = "test_build_rate"


class Cosine(Rate):
    """Half a cosine."""

    name = "cosine"
    start: Annotated[float, Field(gt=0, lt=1, description="the first rate")] = 0.1

    @model_validator(mode="after")
    def _even(self) -> Self:
        if self.start == 0.5:
            raise PydanticCustomError("invalid_value", "a start of {start} is odd", {"start": 0.5})
        return self


class Data(Spec):
    path: Annotated[str, Field(min_length=1, description="the CSV file")]
    target: str | Annotated[tuple[str, ...], Field(strict=False)] = "y"
    columns: dict[str, Literal["numeric", "drop"]] = Field({})

    @model_validator(mode="after")
    def _target_is_kept(self) -> Self:
        if self.target in self.columns:
            raise ValueError("the target cannot be in columns")
        return self


class Root(Spec):
    seed: Annotated[int, Field(ge=0, le=100)] = 0
    shuffle: bool = True
    data: Data | None = None
    table: str | Data = "x"
    network: Annotated[tuple[Activation, ...], Field(strict=False)] = ()
    rate: float | Rate = 0.1
    batch: Literal["full", "auto"] | Annotated[int, Field(ge=1)] = "auto"
    version: Literal[1] = 1


def problems_of(document: Document) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        build(document, Root)
    return caught.value.problems


def problems(text: str) -> tuple[Problem, ...]:
    return problems_of(parse_document(text, "c.yaml"))


def test_a_good_document_builds() -> None:
    text = """
        seed: 3
        data: {path: x.csv, target: [a, b], columns: {2024: drop}}
        network: [{dense: 16}, relu, {relu: }, {residual: [{dense: {units: 2, init: glorot}}]}]
        rate: {cosine: 0.2}
        batch: 32
    """
    assert build(parse_document(dedent(text), "c.yaml"), Root) == Root(
        seed=3,
        data=Data(path="x.csv", target=("a", "b"), columns={"2024": "drop"}),
        network=(
            Dense(units=16),
            Relu(),
            Relu(),
            Residual(layers=(Dense(units=2, init="glorot"),)),
        ),
        rate=Cosine(start=0.2),
        batch=32,
    )


LAYERS = "dense, relu, residual"
FORMS = "as name, {name: value} or {name: {field: value}}"
CASES: list[tuple[str, str, str, str, str]] = [  # text, id, where, what, fix
    ("seed: x", "032", "1:7: seed", "a whole number, got 'x'", "write a whole number"),
    ("seed: 1.5", "032", "1:7: seed", "a whole number, got 1.5", "write a whole number"),
    ("seed: true", "032", "1:7: seed", "a whole number, got True", "write a whole number"),
    ("shuffle: yes", "032", "1:10: shuffle", "true or false, got 'yes'", "write true or false"),
    ("seed:", "032", "1:6: seed", "a whole number, got None", "write a whole number"),
    (
        "seed: -1",
        "033",
        "1:7: seed",
        "a number of at least 0, got -1",
        "write a number of at least 0",
    ),
    ("version: 2", "035", "1:10: version", "1, got 2", "write 1"),
    (
        "rate: {cosine: {start: 1}}",
        "033",
        "1:24: rate.cosine.start",
        "a number below 1, got 1",
        "write a number below 1 (the first rate)",
    ),
    (
        "rate: {cosine: 2}",
        "033",
        "1:16: rate.cosine",
        "a number below 1, got 2",
        "write a number below 1",
    ),
    (
        "data: {path: ''}",
        "034",
        "1:14: data.path",
        "1 or more characters, got ''",
        "write 1 or more characters (the CSV file)",
    ),
    (
        "network: [{residual: []}]",
        "034",
        "1:22: network.0.residual",
        "1 or more items, got []",
        "write 1 or more items",
    ),
    ("network: relu", "032", "1:10: network", "a list, got 'relu'", "write a list"),
    (
        "data: x.csv",
        "032",
        "1:7: data",
        "a mapping of 'key: value' entries, got 'x.csv'",
        "write a mapping of 'key: value' entries",
    ),
    (
        "data: {path: x, columns: {a: dorp}}",
        "035",
        "1:30: data.columns.a",
        "'numeric' or 'drop', got 'dorp', did you mean 'drop'?",
        "write one of numeric, drop",
    ),
    (
        "network: [dens]",
        "038",
        "1:11: network.0",
        "a known test_build_layer, got 'dens', did you mean 'dense'?",
        f"write one of {LAYERS}",
    ),
    (
        "network: [{RELU: }]",
        "038",
        "1:11: network.0",
        "a known test_build_layer, got {'RELU': None}, did you mean 'relu'?",
        f"write one of {LAYERS}",
    ),
    (
        "network: [{residual: [dens]}]",
        "038",
        "1:23: network.0.residual.0",
        "a known test_build_layer, got 'dens', did you mean 'dense'?",
        f"write one of {LAYERS}",
    ),
    (
        "network: [3]",
        "036",
        "1:11: network.0",
        f"one test_build_layer {FORMS}, got 3",
        f"write one test_build_layer {FORMS}",
    ),
    (
        "network: [{relu: 3}]",
        "037",
        "1:11: network.0",
        "just relu, which has no settings, got {'relu': 3}",
        "write just relu, which has no settings",
    ),
    (
        "batch: ful",
        "039",
        "1:8: batch",
        "'full' or 'auto' or a whole number, got 'ful', did you mean 'full'?",
        "write one of full, auto or a whole number",
    ),
    (
        "rate: cosin",
        "039",
        "1:7: rate",
        "a number or a known test_build_rate, got 'cosin', did you mean 'cosine'?",
        "write a number or one of cosine",
    ),
    ("rate: float", "039", "1:7: rate", "a number or a known test_build_rate, got 'float'", ""),
    ("rate: .inf", "039", "1:7: rate", f"a finite number or one test_build_rate {FORMS}", ""),
    ("table: 3", "039", "1:8: table", "text or a mapping of 'key: value' entries, got 3", ""),
    (
        "data: {path: x, target: [a, 1]}",
        "032",
        "1:29: data.target.1",
        "text, got 1",
        "write text",
    ),
]


@pytest.mark.parametrize(("text", "id", "where", "what", "fix"), CASES)
def test_values_of_the_wrong_kind(text: str, id: str, where: str, what: str, fix: str) -> None:
    (found,) = problems(text)
    assert (found.id, found.where) == (f"BP-C{id}", f"c.yaml:{where}")
    assert found.what.startswith(f"expected {what}")
    assert found.fix.startswith(fix)
    column = int(where.split(":")[1])
    assert found.detail == (text, " " * (column - 1) + "^")


MISSING = [
    ("data: {}", "1:1: data.path", "add 'path' (the CSV file)"),
    ("table:\n  target: x", "1:1: table.path", "add 'path' (the CSV file)"),
    ("network:\n  - dense", "2:5: network.0.dense.units", "add 'units' (number of outputs)"),
    ("network:\n  - dense:", "2:5: network.0.dense.units", "add 'units' (number of outputs)"),
    (
        "network:\n  - dense:\n      init: he",
        "2:5: network.0.dense.units",
        "add 'units' (number of outputs)",
    ),
]


@pytest.mark.parametrize(("text", "where", "fix"), MISSING)
def test_missing_keys_are_missed_at_their_parent(text: str, where: str, fix: str) -> None:
    (found,) = problems(text)
    key = where.rpartition(".")[2]
    assert found[:4] == ("BP-C030", f"c.yaml:{where}", f"required key '{key}' is missing", fix)


ROOT_KEYS = "seed, shuffle, data, table, network, rate, batch, version"
UNKNOWN = [
    ("sed: 1", "1:1: sed", "'sed', did you mean 'seed'?", f"use one of {ROOT_KEYS}"),
    (
        "data: {path: x, colums: 1}",
        "1:17: data.colums",
        "'colums', did you mean 'columns'?",
        "use one of path, target, columns",
    ),
    (
        "network: [{dense: {units: 1, unit: 1}}]",
        "1:30: network.0.dense.unit",
        "'unit', did you mean 'units'?",
        "use one of units, init",
    ),
    (
        "rate: {cosine: {stat: 1}}",
        "1:17: rate.cosine.stat",
        "'stat', did you mean 'start'?",
        "use one of start",
    ),
    ("network: [{relu: {x: 1}}]", "1:19: network.0.relu.x", "'x'", "remove it"),
    ("a.b: 1", '1:1: "a.b"', "'a.b'", f"use one of {ROOT_KEYS}"),
]


@pytest.mark.parametrize(("text", "where", "what", "fix"), UNKNOWN)
def test_unknown_keys(text: str, where: str, what: str, fix: str) -> None:
    (found,) = problems(text)
    assert found[:4] == ("BP-C031", f"c.yaml:{where}", f"unknown key {what}", fix)


RULES = [
    (
        "data: {path: x, columns: {y: drop}}",
        "1:7: data",
        "the target cannot be in columns",
        "change it",
    ),
    (
        "table: {path: x, columns: {y: drop}}",
        "1:8: table",
        "the target cannot be in columns",
        "change it",
    ),
    ("rate: {cosine: 0.5}", "1:16: rate.cosine", "a start of 0.5 is odd", "change it"),
]


@pytest.mark.parametrize(("text", "where", "what", "fix"), RULES)
def test_rules_of_a_model_are_told_as_they_are(text: str, where: str, what: str, fix: str) -> None:
    (found,) = problems(text)
    assert found[:4] == ("BP-C040", f"c.yaml:{where}", what, fix)


def test_all_problems_come_at_once_in_the_order_of_the_text() -> None:
    text = """\
        network:
          - {dense: {units: 0, init: het}}
          - rel
        seed: x
        sed: 1
        data: {target: 3}
        """
    found = problems(dedent(text))
    assert [p.where.removeprefix("c.yaml:") for p in found] == [
        "2:21: network.0.dense.units",
        "2:30: network.0.dense.init",
        "3:5: network.1",
        "4:7: seed",
        "5:1: sed",
        "6:1: data.path",
        "6:16: data.target",
    ]


def test_a_union_reports_the_form_that_was_meant() -> None:
    found = problems("table: {pth: x, target: 3}")
    assert [p.where for p in found] == [
        "c.yaml:1:1: table.path",
        "c.yaml:1:9: table.pth",
        "c.yaml:1:25: table.target",
    ]


def test_an_invalid_item_does_not_make_its_list_too_short() -> None:
    (found,) = problems("network: [{residual: [rel]}]")
    assert found.id == "BP-C038"


def test_overridden_values_are_placed_on_the_command_line_and_come_last() -> None:
    document = parse_document("rate: cosine\nsed: 1", "c.yaml")
    found = problems_of(override(document, ["seed=x", "rate.cosine.start=2"]))
    assert [p.where for p in found] == ["c.yaml:2:1: sed", "--set seed", "--set rate.cosine.start"]
    assert found[1].detail == ("seed=x", "     ^")


def test_long_values_and_lines_are_cut() -> None:
    (found,) = problems(f"seed: {'x' * 1000}")
    assert found.what == f"expected a whole number, got '{'x' * 79}…"
    assert max(map(len, found.detail)) == 200


def test_components_registered_later_are_known_at_once() -> None:
    class Tanh(Activation):
        """tanh x."""

        name = "tanh"

    try:
        network: Any = build(parse_document("network: [tanh]", "c.yaml"), Root).network
        assert network == (Tanh(),)
    finally:
        del Activation.members()["tanh"]
