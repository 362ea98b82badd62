"""The JSON Schema of a config, for editors and other programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import (
    DefsRef,
    GenerateJsonSchema,
    JsonRef,
    JsonSchemaMode,
    JsonSchemaValue,
)
from pydantic_core import CoreSchema

from bpcli.config.component import Component, Spec


def json_schema(model: type[Spec]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `build` accepts for this model."""
    return model.model_json_schema(schema_generator=_Generator)


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, which also defines each component family that is referred to."""

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        return {"$schema": self.schema_dialect, **super().generate(schema, mode)}

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        result = super().generate_inner(schema)
        family = str(result.get("$ref", "")).rpartition("/")[2]
        if family in Component.registry:
            self._define(family)
        return result

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def _define(self, family: str) -> None:
        name = DefsRef(family)
        if name in self.definitions:
            return
        self.json_to_defs_refs[JsonRef(f"#/$defs/{family}")] = name
        self.definitions[name] = {}  # for members that hold others of their family
        members = Component.registry[family].values()
        self.definitions[name] = {"anyOf": [form for cls in members for form in self._forms(cls)]}

    def _forms(self, member: type[Component]) -> Iterator[JsonSchemaValue]:
        """The name alone, where no field is required, and the name with an entry."""
        reference = self.generate_inner(member.__pydantic_core_schema__)
        fields = self.get_schema_from_definitions(JsonRef(reference["$ref"])) or {}
        required = fields.get("required", [])
        entries = [reference]
        if required in ([], [member.main_field()]) and member.main_field():
            entries.append(fields["properties"][member.main_field()] | _SHORT)
        if not required:
            entries.append({"type": "null"})
            yield {"const": member.name, "description": member.summary()}
        yield {
            "type": "object",
            "description": member.summary(),
            "properties": {member.name: {"anyOf": entries}},
            "required": [member.name],
            "additionalProperties": False,
        }


_SHORT = {"not": {"type": ["object", "null"]}}  # a mapping always means fields, null a bare name
