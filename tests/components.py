"""Every registered component, with example fields: what registry-driven tests run over."""

from __future__ import annotations

from math import prod
from typing import TypeVar

import pytest

import bpcli.experiment.config  # noqa: F401  registers every family
from bpcli.config.component import Component
from bpcli.nn.images import Flatten, Image
from bpcli.nn.layer import Layer

C = TypeVar("C", bound=Component)


def members(family: type[C]) -> list[C]:
    """One instance of every component of a family, or a branch of it, made from its `example`."""
    known = [cls for cls in family.members().values() if issubclass(cls, family)]
    return [cls.model_validate(cls.example) for cls in known]


def parametrize(name: str, family: type[C]) -> pytest.MarkDecorator:
    """`@parametrize("layer", Layer)`: one test case a component."""
    return pytest.mark.parametrize(name, members(family), ids=lambda c: c.name)


def on_rows(layer: Layer, inputs: int) -> tuple[int, list[Layer]]:
    """The layer for flat rows of so many inputs, with flat rows as output.

    One that needs images gets them from rows of another length, which is returned.
    """
    if isinstance(layer, Image):
        return prod(layer.shape), [layer, Flatten()]
    try:
        out = layer.plan((inputs,)).out_shape
    except ValueError:
        image = Image(height=5, width=4, channels=3)
        return prod(image.shape), [image, layer, Flatten()]
    return inputs, [layer] if len(out) == 1 else [layer, Flatten()]
