"""How a message tells the user to set something: by a key of the config, or by an option."""

from __future__ import annotations

from typing import NamedTuple


class Asking(NamedTuple):
    """The words for where a file and its dialect are named."""

    path: str  # "data.path"
    form: str  # "set data.{key}: {value}"
    relative: str = ""  # what a path starts from

    def to_set(self, key: str, value: str) -> str:
        """`set data.encoding: cp1252`"""
        return self.form.format(key=key, value=value)

    def to_correct(self) -> str:
        """`correct data.path`"""
        return f"correct {self.path}{self.relative}"


CONFIG = Asking("data.path", "set data.{key}: {value}", "; it is relative to the config file")
COMMAND = Asking("DATA", "add --{key} {value}")
