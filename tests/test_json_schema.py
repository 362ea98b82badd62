"""The JSON Schema for editors accepts what `build` accepts, and explains it."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import Field

from bpcli.config.build import build
from bpcli.config.component import Component, Spec
from bpcli.config.document import parse_document
from bpcli.config.errors import ConfigError
from bpcli.config.schema import json_schema


class Layer(Component):
    family = "test_schema_layer"


class Init(Component):
    family = "test_schema_init"


class Unused(Component):
    family = "test_schema_unused"


class He(Init):
    """Normal, by the number of inputs."""

    name = "he"
    gain: Annotated[float, Field(gt=0)] = 1.0


class Relu(Layer):
    """max(0, x)."""

    name = "relu"


class Dense(Layer):
    """x W + b."""

    name = "dense"
    units: Annotated[int, Field(ge=1, description="number of outputs")]
    init: Init = He()


class Conv(Layer):
    """x ∗ W."""

    name = "conv"
    channels: int
    kernel: int


class Residual(Layer):
    """x + f(x)."""

    name = "residual"
    layers: Annotated[tuple[Layer, ...], Field(strict=False)]


class Wrapped(Layer):
    """One layer, which is itself a mapping, as the main field."""

    name = "wrapped"
    layer: Layer = Relu()


class Data(Spec):
    path: str
    columns: dict[str, Literal["numeric", "drop"]] = Field({})


class Root(Spec):
    """What to train."""

    seed: Annotated[int, Field(ge=0)] = 0
    data: Data | None = None
    network: Annotated[tuple[Layer, ...], Field(strict=False)] = (Dense(units=3), Relu())
    init: Init | float = He()


SCHEMA = json_schema(Root)


def test_it_is_a_valid_schema_of_the_current_draft() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


def test_families_are_defined_when_something_refers_to_them() -> None:
    assert SCHEMA["properties"]["network"]["items"] == {"$ref": "#/$defs/test_schema_layer"}
    assert SCHEMA["$defs"]["Dense"]["properties"]["init"]["$ref"] == "#/$defs/test_schema_init"
    assert "test_schema_init" in SCHEMA["$defs"]
    assert "test_schema_unused" not in SCHEMA["$defs"]


def test_names_are_described_by_their_class() -> None:
    forms = SCHEMA["$defs"]["test_schema_layer"]["anyOf"]
    assert forms[0] == {"const": "relu", "description": "max(0, x)."}
    assert [form["const"] for form in forms if "const" in form] == ["relu", "wrapped"]
    assert all(form["description"] for form in forms)


def test_defaults_are_in_written_form() -> None:
    he = {"he": {"gain": 1.0}}
    assert SCHEMA["properties"]["init"]["default"] == he
    assert SCHEMA["properties"]["network"]["default"] == [
        {"dense": {"units": 3, "init": he}},
        "relu",
    ]


DOCUMENTS = [
    ("{}", True),
    ("seed: 1", True),
    ("seed: -1", False),
    ("seed: x", False),
    ("sed: 1", False),
    ("data:", True),
    ("data: {path: x, columns: {a: drop, 2024: numeric}}", True),
    ("data: {path: x, columns: {a: text}}", False),
    ("data: {}", False),
    ("network: []", True),
    ("network: relu", False),
    ("network: [relu]", True),
    ("network: [{relu: }]", True),
    ("network: [{relu: {}}]", True),
    ("network: [{relu: 1}]", False),
    ("network: [{relu: {x: 1}}]", False),
    ("network: [{relu: , dense: 1}]", False),
    ("network: [{}]", False),
    ("network: [3]", False),
    ("network: [gelu]", False),
    ("network: [{gelu: 1}]", False),
    ("network: [dense]", False),
    ("network: [{dense: }]", False),
    ("network: [{dense: {}}]", False),
    ("network: [{dense: 16}]", True),
    ("network: [{dense: 0}]", False),
    ("network: [{dense: x}]", False),
    ("network: [{dense: {units: 16}}]", True),
    ("network: [{dense: {units: 16, init: he}}]", True),
    ("network: [{dense: {units: 16, init: {he: 2}}}]", True),
    ("network: [{dense: {units: 16, init: {he: {gain: 2}}}}]", True),
    ("network: [{dense: {units: 16, init: {he: 0}}}]", False),
    ("network: [{dense: {units: 16, init: relu}}]", False),
    ("network: [{conv: 3}]", False),
    ("network: [{conv: {channels: 3, kernel: 3}}]", True),
    ("network: [{residual: [{dense: 2}, relu, {residual: [relu]}]}]", True),
    ("network: [{residual: {layers: [relu]}}]", True),
    ("network: [{residual: [gelu]}]", False),
    ("network: [wrapped]", True),
    ("network: [{wrapped: relu}]", True),
    ("network: [{wrapped: {dense: 2}}]", False),  # a mapping always means fields
    ("network: [{wrapped: {layer: {dense: 2}}}]", True),
    ("init: 0.5", True),
    ("init: {he: 2.5}", True),
    ("init: hee", False),
]


@pytest.mark.parametrize(("text", "good"), DOCUMENTS)
def test_schema_and_build_agree(text: str, good: bool) -> None:
    document = parse_document(text, "c.yaml")
    assert Draft202012Validator(SCHEMA).is_valid(document.value) is good
    if good:
        build(document, Root)
    else:
        with pytest.raises(ConfigError):
            build(document, Root)
