"""What a model allows at a path of its document, found by walking its annotations."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from bpcli.config.component import Component, Spec
from bpcli.config.places import KeyPath


def keys_at(model: type[Spec], path: KeyPath) -> list[str]:
    """The keys that a mapping at this path may have."""
    return list(_fields_at(model, path))


def description_at(model: type[Spec], path: KeyPath) -> str:
    """What the field at this path is for; empty for what is not a field, such as an item."""
    field = _fields_at(model, path[:-1]).get(str(path[-1])) if path else None
    return (field.description or "") if field else ""


def _fields_at(model: type[Spec], path: KeyPath) -> dict[str, FieldInfo]:
    """The fields of every model that could stand at this path."""
    kinds: list[Any] = [model]
    for step in path:
        kinds = [
            kind for outer in kinds for inner in _inside(outer, step) for kind in _plain(inner)
        ]
    return {name: field for kind in kinds for name, field in _fields(kind).items()}


def _inside(kind: Any, step: str | int) -> Iterator[Any]:
    """The annotations one step further in: of an entry, an item, a field or a named component."""
    if get_origin(kind):
        yield from get_args(kind)
    elif _is_family(kind):
        yield kind.members().get(step)
    elif step in _fields(kind):
        yield _fields(kind)[str(step)].annotation


def _plain(annotation: Any) -> Iterator[Any]:
    """The alternatives of an annotation, without its metadata."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _plain(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for alternative in get_args(annotation):
            yield from _plain(alternative)
    else:
        yield annotation


def _fields(kind: Any) -> dict[str, FieldInfo]:
    is_spec = isinstance(kind, type) and issubclass(kind, Spec)
    return kind.model_fields if is_spec else {}


def _is_family(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Component) and not kind.name
