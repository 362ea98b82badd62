"""Every registered component, with example fields: what registry-driven tests run over."""

from __future__ import annotations

from typing import TypeVar

import pytest

import bpcli.experiment.config  # noqa: F401  registers every family
from bpcli.config.component import Component

C = TypeVar("C", bound=Component)


def members(family: type[C]) -> list[C]:
    """One instance of every component of a family, or a branch of it, made from its `example`."""
    known = [cls for cls in family.members().values() if issubclass(cls, family)]
    return [cls.model_validate(cls.example) for cls in known]


def parametrize(name: str, family: type[C]) -> pytest.MarkDecorator:
    """`@parametrize("layer", Layer)`: one test case a component."""
    return pytest.mark.parametrize(name, members(family), ids=lambda c: c.name)
