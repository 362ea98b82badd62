"""Configs as documents: the value, and where in the text each part of it was written."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bpcli.config.errors import ConfigError, Problem, did_you_mean
from bpcli.config.places import KeyPath, Mark, excerpt, path_text, place
from bpcli.config.reader import Reader

MOST_BYTES = 1_000_000


class Document(NamedTuple):
    """A parsed config; `marks` has the place of every node, by its path."""

    name: str
    text: str
    value: Any
    marks: Mapping[KeyPath, Mark]

    def mark(self, path: KeyPath) -> Mark:
        """The mark of a node, or of the nearest node around it."""
        while path not in self.marks:
            path = path[:-1]
        return self.marks[path]

    def problem(
        self, id: str, path: KeyPath, what: str, fix: str = "", *, at_key: bool = False
    ) -> Problem:
        """A problem with the node at this path, with the line that wrote it."""
        mark = self.mark(path)
        position = mark.key if at_key else mark.value
        if mark.assignment:
            detail = excerpt(mark.assignment, position)
            return Problem(id, f"--set {path_text(path)}", what, fix, detail)
        return Problem(
            id, place(self.name, position, path), what, fix, excerpt(self.text, position)
        )


def read_document(path: Path) -> Document:
    """The document in a file."""
    name = str(path)
    try:
        text = _file_bytes(path).decode("utf-8-sig")
    except OSError as error:
        near = did_you_mean(path.name, (other.name for other in path.parent.glob("*.y*ml")))
        what = f"cannot read the config: {error.strerror}{near}"
        raise ConfigError(Problem("BP-C001", name, what, "name a readable YAML file")) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        what = f"expected UTF-8 text, got the byte 0x{error.object[error.start]:02X}"
        problem = Problem("BP-C003", f"{name}:{line}", what, "save the file as UTF-8")
        raise ConfigError(problem) from None
    return parse_document(text, name)


def parse_document(text: str, name: str) -> Document:
    """The document in a text, whose root is a mapping."""
    document = parse_yaml(text, name)
    if document.value is None:
        raise ConfigError(
            Problem("BP-C018", name, "the config is empty", "write 'key: value' lines")
        )
    if not isinstance(document.value, dict):
        what = "expected 'key: value' lines, each with a space after the colon"
        fix = "start the config with a key, for example 'data: {path: table.csv}'"
        raise ConfigError(document.problem("BP-C019", (), what, fix))
    return document


def parse_yaml(text: str, name: str) -> Document:
    """Any YAML value, read by the same rules; an empty text is None."""
    reader = Reader(text, name)
    value = reader.read()
    return Document(name, text, value, reader.marks)


def _file_bytes(path: Path) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):  # opening a FIFO would wait for a writer
        raise OSError(None, "it is not a regular file")
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        what = f"the file is larger than {MOST_BYTES:,} bytes"
        raise ConfigError(Problem("BP-C002", str(path), what, "name a config, not a data file"))
    return data
