"""One grammar and one registry for everything a config can name.

A component (layer, loss, optimizer, schedule, …) is a frozen pydantic model that *is* its config
entry. A family is a subclass of `Component`; every class derived from a family registers itself
under its `name`, in a family within a family in both. In YAML a component is written

    relu                               a bare name
    {dense: 16}                        a name with its main (first) field
    {dense: {units: 16, init: he}}     a name with fields

and a field annotated with a family (`loss: Loss`) accepts exactly these three forms. The lookup
happens when a value is validated, so a class registered later is known everywhere at once.
"""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema


class Spec(BaseModel):
    """A frozen, strict part of the config tree; unknown keys are errors."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_default=True, allow_inf_nan=False
    )


class Component(Spec):
    """A named, registered `Spec`.  Subclass a family, never this class, to add one."""

    family: ClassVar[str] = ""
    name: ClassVar[str] = ""
    example: ClassVar[dict[str, Any]] = {}  # the required fields, for generated tests and docs
    registry: ClassVar[dict[str, dict[str, type[Component]]]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        if "family" in cls.__dict__:
            Component.registry.setdefault(cls.family, {})
        elif cls.name:
            for family in filter(None, (base.__dict__.get("family") for base in cls.mro())):
                known = Component.registry[family].setdefault(cls.name, cls)
                if known is not cls:
                    raise TypeError(f"two {cls.family} components are called {cls.name!r}")

    @classmethod
    def members(cls) -> dict[str, type[Self]]:
        """Every registered class of this family, by name."""
        return Component.registry[cls.family]  # type: ignore[return-value]

    @classmethod
    def main_field(cls) -> str | None:
        """The field that `{name: value}` sets: the first one declared."""
        return next(iter(cls.model_fields), None)

    @classmethod
    def summary(cls) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(cls) or "").partition("\n")[0]

    @classmethod
    def parse(cls, value: Any) -> Self:
        """The component that one of the three written forms describes.

        Raises pydantic's `ValidationError` with locations that follow the YAML path.
        """
        if isinstance(value, cls):
            return value
        name, entry = _written_form(cls.family, value)
        member = cls.members().get(name)
        if member is None:
            raise PydanticCustomError(
                "unknown_component",
                "unknown {family} '{name}'",
                {"family": cls.family, "name": name, "known": sorted(cls.members())},
            )
        short = entry is not None and not isinstance(entry, dict)
        implied = _main_field(member) if short else None
        fields = {implied: entry} if implied else entry or {}
        try:
            return member.model_validate(fields)
        except ValidationError as error:
            raise _relocated(error, name, implied) from None

    def written(self) -> Any:
        """The fullest written form: `{name: {every field}}`, or the bare name without fields."""
        fields = self.model_dump(mode="json")
        return {self.name: fields} if fields else self.name

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        if cls.name:
            return handler(source)
        return core_schema.no_info_plain_validator_function(
            cls.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(cls.written),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        if cls.name:
            return handler(schema)
        return {"$ref": f"#/$defs/{cls.family}"}


def _written_form(family: str, value: Any) -> tuple[str, Any]:
    """(name, entry) of a written component; entry None stands for a bare name."""
    match value:
        case str():
            return value, None
        case dict() if len(value) == 1:
            ((name, entry),) = value.items()
            if isinstance(name, str):
                return name, entry
    raise PydanticCustomError(
        "component_form",
        "expected one {family}, written as name, {name: value} or {name: {field: value}}",
        {"family": family},
    )


def _main_field(member: type[Component]) -> str:
    field = member.main_field()
    if field is None:
        raise PydanticCustomError(
            "component_without_fields",
            "{family} '{name}' has no settings; write just {name}",
            {"family": member.family, "name": member.name},
        )
    return field


def _relocated(error: ValidationError, name: str, implied: str | None) -> ValidationError:
    """The same errors under the path that the user wrote: the name, without the implied field."""
    lines: list[InitErrorDetails] = []
    for item in error.errors(include_url=False):
        at = item["loc"][1:] if item["loc"][:1] == (implied,) else item["loc"]
        kind: Any = item["type"]
        context = dict(item.get("ctx", {}))
        if kind in _CUSTOM_KINDS:
            kind = PydanticCustomError(kind, item["msg"], context)
        line: InitErrorDetails = {"type": kind, "loc": (name, *at), "input": item["input"]}
        if context and isinstance(kind, str):
            line["ctx"] = context
        lines.append(line)
    return ValidationError.from_exception_data(error.title, lines)


_CUSTOM_KINDS = {"unknown_component", "component_form", "component_without_fields", "invalid_value"}
