"""A completed run as its folder tells it, read without numpy, so that threads can still be set."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from bpcli.config.document import read_document
from bpcli.config.errors import ModelError, Problem
from bpcli.data.without_target import UNSUPERVISED
from bpcli.runs.folder import METRICS, RECORD, RESOLVED


class _Rows(BaseModel):
    read: int
    train: int
    validation: int
    test: int
    excluded: dict[str, int]


class _Account(BaseModel):
    rows: _Rows


class _Data(BaseModel):
    sha256: str
    account: _Account


class _Facts(BaseModel):
    """What readers of a record rely on; people edit files."""

    task: str
    threads: int
    epochs: int
    iterations: int
    data: _Data
    environment: dict[str, Any]


class StoredRun(NamedTuple):
    """The files of a completed run that people and other programs read."""

    folder: Path
    record: dict[str, Any]  # run.json
    config: dict[str, Any]  # resolved, plain values

    @classmethod
    def read(cls, folder: Path) -> StoredRun:
        """The run in a folder.  Raises ModelError where there is none that is completed."""
        record = _json(folder, RECORD)
        if record.get("state") != "completed":
            raise _unusable(folder, f"the run is {record.get('state', 'of unknown state')}")
        try:
            _Facts.model_validate(record)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise _unusable(folder, f"{RECORD} does not say {where}") from None
        config = read_document(folder / RESOLVED).value
        data = config.get("data") if isinstance(config, dict) else None
        if not isinstance(data, dict) or not (record["task"] in UNSUPERVISED or "target" in data):
            raise _unusable(folder, f"{RESOLVED} does not say data.target")
        return cls(folder, record, config)

    def metrics(self) -> dict[str, Any]:
        """Scores by set."""
        return _json(self.folder, METRICS)

    def table(self, name: str) -> list[dict[str, str]]:
        """The rows of one of its CSV files; none where the run has no such file."""
        try:
            with (self.folder / name).open(encoding="utf-8", newline="") as file:
                return list(csv.DictReader(file, strict=True))
        except FileNotFoundError:
            return []
        except (OSError, ValueError, csv.Error) as error:
            raise _unusable(self.folder, f"{name} cannot be read: {error}") from None


def _json(folder: Path, name: str) -> dict[str, Any]:
    try:
        value = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not valid JSON"
        raise _unusable(folder, f"{name} cannot be read: {reason}") from None
    if not isinstance(value, dict):
        raise _unusable(folder, f"{name} is not a JSON object")
    return value


def _unusable(folder: Path, what: str) -> ModelError:
    fix = "give the folder of a completed run"
    return ModelError(Problem("BP-M020", str(folder), what, fix))
