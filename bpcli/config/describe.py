"""What `bpcli list` and the docs say about a component."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

from pydantic_core import PydanticUndefined

from bpcli.config.component import Component


class FieldHelp(NamedTuple):
    """One setting of a component."""

    name: str
    required: bool
    default: Any  # as written in YAML; None where required
    description: str


class ComponentHelp(NamedTuple):
    """A component with its settings; `{name: value}` sets the first one."""

    name: str
    summary: str
    text: str  # the whole docstring
    fields: tuple[FieldHelp, ...]

    @property
    def fields_line(self) -> str:
        """`units (required), init = glorot`"""
        return ", ".join(
            f"{f.name} (required)" if f.required else f"{f.name} = {_shown(f.default)}"
            for f in self.fields
        )


def families() -> list[str]:
    """Every kind of component, in alphabetical order."""
    return sorted(Component.registry)


def describe(family: str) -> list[ComponentHelp]:
    """Every component of a family, in the order of its source."""
    return [_component(member) for member in Component.registry[family].values()]


def _component(member: type[Component]) -> ComponentHelp:
    fields = tuple(
        FieldHelp(name, field.is_required(), _written(field.default), field.description or "")
        for name, field in member.model_fields.items()
    )
    return ComponentHelp(member.name, member.summary(), inspect.getdoc(member) or "", fields)


def _written(default: Any) -> Any:
    if default is PydanticUndefined:
        return None
    return default.written() if isinstance(default, Component) else default


def _shown(default: Any) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)
