"""The JSON Schema of a config, for editors and other programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import (
    CoreRef,
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

    def get_schema_from_definitions(self, json_ref: JsonRef) -> JsonSchemaValue | None:
        family = json_ref.rpartition("/")[2]
        if family not in Component.registry:
            return super().get_schema_from_definitions(json_ref)
        name, reference = self.get_cache_defs_ref_schema(CoreRef(family))
        if name not in self.definitions:
            self._define(name, family)
        return reference  # the definition itself would be copied to each place

    def encode_default(self, dft: Any) -> Any:
        """Defaults as a user would write them, components by name."""
        if isinstance(dft, tuple):
            return [self.encode_default(item) for item in dft]
        return dft.written() if isinstance(dft, Component) else super().encode_default(dft)

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def _define(self, name: DefsRef, family: str) -> None:
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
