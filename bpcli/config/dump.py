"""Values as YAML text that every reader, old or new, reads as the same values."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any

import yaml

from bpcli.config.characters import escaped, is_unsafe
from bpcli.config.scalars import is_text

_LONGEST_FLOW = 80


def dump(value: Any) -> str:
    """Block style with the keys in their order; short lists and listed components on one line.

    A character that a terminal would obey or hide stands as an escape, between double quotes.
    """
    return escaped(
        yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=sys.maxsize)
    )


class _Dumper(yaml.SafeDumper):
    """PyYAML's dumper, which writes for YAML 1.1, made to agree with YAML 1.2 as well."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)  # lists are indented below their key

    def represent_sequence(
        self, tag: str, sequence: Iterable[Any], flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        node = super().represent_sequence(tag, sequence, flow_style)
        for item in node.value:
            item.flow_style = _width(item) <= _LONGEST_FLOW
        scalars = all(isinstance(item, yaml.ScalarNode) for item in node.value)
        node.flow_style = scalars and _width(node) <= _LONGEST_FLOW
        return node

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Quoted where YAML 1.2 would read something else; PyYAML itself sees to YAML 1.1."""
        style = None if is_text(text) else "'"
        if not text or any(map(is_unsafe, text)):
            style = '"'  # the only style that keeps every kind of line break, and has escapes
        return self.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _Dumper.represent_text)
# YAML 1.1 has these as booleans; PyYAML forgot them.
_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("[yYnN]$"), list("yYnN"))


def _width(node: yaml.Node) -> int:
    """About as many characters as the node takes in flow style."""
    match node:
        case yaml.ScalarNode():
            return len(node.value) + 2
        case yaml.MappingNode():
            return 2 + sum(_width(key) + _width(value) for key, value in node.value)
        case _:
            return 2 + sum(_width(item) for item in node.value)
