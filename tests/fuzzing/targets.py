"""What is fuzzed: each target takes any bytes and may raise nothing but bpcli's own errors."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bad_inputs import CASES
from bad_inputs.case import Case, model

from bpcli.config.build import build
from bpcli.config.characters import is_unsafe
from bpcli.config.document import read_document
from bpcli.config.errors import BpcliError
from bpcli.data.read import read_table
from bpcli.data.spec import DataSpec
from bpcli.display.text import show
from bpcli.experiment.config import Config
from bpcli.runs.header import read_header
from bpcli.runs.model import read_model
from bpcli.runs.tensorfile import pack, unpack

Target = Callable[[bytes], None]
FOLDER = Path(tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
SPEC = DataSpec(path="t.csv")


def _file(name: str, content: bytes) -> Path:
    path = FOLDER / name
    path.write_bytes(content)
    return path


def config(content: bytes) -> None:
    """A config file."""
    build(read_document(_file("c.yaml", content)), Config)


def table(content: bytes) -> None:
    """A data file, and every column as words and numbers."""
    found = read_table(_file("t.csv", content), SPEC)
    for name in found.names:
        assert len(found.cells(name).codes) == found.n_rows
        found.date_guess(name)


def header(content: bytes) -> None:
    """The header of a model file."""
    read_header(content, "m")


def whole_model(content: bytes) -> None:
    """A model file: refused, or the genuine one."""
    read_model(_file("m.safetensors", content))
    assert content == model()


def record(content: bytes) -> None:
    """The record of a model whose checksum is right, as a hostile author writes it."""
    genuine, tensors = unpack(model(), "m")
    try:
        changes = json.loads(content)
        sealed = pack({**genuine, **changes}, tensors)
    except (ValueError, TypeError, RecursionError):
        return  # no record at all
    read_model(_file("r.safetensors", sealed))


def shown(content: bytes) -> None:
    """A foreign text on its way to a terminal."""
    text = content.decode("utf-8", "surrogateescape")
    assert not any(map(is_unsafe, show(text)))
    assert len(show(text)) <= 80 + len(f"…(+{len(text)})")


TARGETS: dict[str, Target] = {
    "config": config,
    "table": table,
    "header": header,
    "model": whole_model,
    "record": record,
    "show": shown,
}


def seeds(name: str) -> list[bytes]:
    """Where to start: what the bad inputs give the target's reader, and what is right."""
    if name == "record":
        genuine, _ = unpack(model(), "m")
        return [json.dumps({key: value}).encode() for key, value in genuine.items()]
    file = {"config": "c.yaml", "table": "t.csv", "show": "c.yaml"}.get(name, "m.safetensors")
    found = [_content(case, file) for case in CASES if file in case.files]
    right = [model()] if file == "m.safetensors" else []
    return [*right, *(content for content in found if len(content) < 20_000)]


def _content(case: Case, file: str) -> bytes:
    content = case.files[file]
    content = content() if callable(content) else content
    return content.encode() if isinstance(content, str) else content


def run(name: str, content: bytes) -> None:
    """One input; whatever escapes is a finding."""
    with suppress(BpcliError):
        TARGETS[name](content)
