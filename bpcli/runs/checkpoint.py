"""The checkpoint: everything that training needs to go on to the bytes of a run never stopped.

One file of the model's format, written by the same writer and read by the same strict reader.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import ValidationError

from bpcli import __version__
from bpcli.config.component import Spec
from bpcli.config.errors import ConfigError, DataError, ModelError, Notice, Problem
from bpcli.experiment.progress import Progress, Snapshot
from bpcli.experiment.stopping import Record
from bpcli.insight.look import Reading
from bpcli.runs.folder import CHECKPOINT
from bpcli.runs.header import canonical, damaged
from bpcli.runs.identity import Identity
from bpcli.runs.tables import diagnostics_csv, diagnostics_of, history_csv, history_of
from bpcli.runs.tensorfile import pack, unpack

HISTORY = "history"  # the tensor that holds history.csv so far
DIAGNOSTICS = "diagnostics"  # and diagnostics.csv


class CheckpointRecord(Spec):
    """What a checkpoint says beside its tensors."""

    format: Literal[1] = 1
    kind: Literal["checkpoint"] = "checkpoint"
    bpcli: str = __version__
    identity: Identity
    environment: dict[str, Any]
    progress: Progress


class Checkpoint(NamedTuple):
    """A run at one moment."""

    record: CheckpointRecord
    snapshot: Snapshot
    history: list[Record]
    diagnostics: list[Reading]


class Pace:
    """When the next checkpoint is due: so many seconds apart, or so that they cost little."""

    SECONDS, SHARE = 30.0, 0.05

    def __init__(self, every: float | Literal["auto"]) -> None:
        self._every = every
        self._due = time.monotonic() + (self.SECONDS if every == "auto" else every)

    @property
    def is_due(self) -> bool:
        """Whether it is time."""
        return time.monotonic() >= self._due

    def wrote(self, seconds: float) -> None:
        """Reckon from now; the last checkpoint has taken so long."""
        wait = max(self.SECONDS, seconds / self.SHARE) if self._every == "auto" else self._every
        self._due = time.monotonic() + wait


def checkpoint_bytes(
    identity: Identity,
    environment: dict[str, Any],
    snapshot: Snapshot,
    history: list[Record],
    diagnostics: list[Reading],
) -> bytes:
    """The file; the same moment gives the same bytes but for its seconds."""
    record = CheckpointRecord(
        identity=identity, environment=environment, progress=snapshot.progress
    )
    texts = {HISTORY: history_csv(history, ""), DIAGNOSTICS: diagnostics_csv(diagnostics)}
    tables = {name: np.frombuffer(text.encode(), np.uint8) for name, text in texts.items()}
    return pack(record.model_dump(mode="json"), {**snapshot.arrays, **tables})


def read_checkpoint(path: Path) -> Checkpoint:
    """The run in a checkpoint.  Raises ModelError for any changed byte."""
    name = str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise ModelError(Problem("BP-M010", name, what, _AGAIN)) from None
    raw, tensors = unpack(content, name)
    try:
        record = CheckpointRecord.model_validate(raw)
        history = history_of(tensors.pop(HISTORY).tobytes().decode())
        seen = diagnostics_of(tensors.pop(DIAGNOSTICS).tobytes().decode())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise damaged(name, f"it is no checkpoint: {where}: {first['msg']}") from None
    except (KeyError, ValueError, TypeError):
        raise damaged(name, "it is no checkpoint: its history is missing or damaged") from None
    return Checkpoint(record, Snapshot(record.progress, tensors), history, seen)


def require_same(checkpoint: Checkpoint, now: Identity, folder: Path, *, threads_too: bool) -> None:
    """Raises ConfigError or DataError where the run would not be the one that was stopped."""
    then, name = checkpoint.record.identity, str(folder / CHECKPOINT)
    if then.files == now.files and then.data_sha256 != now.data_sha256:
        what = (
            f"the data has changed since: {then.rows} rows, SHA-256 {then.data_sha256[:12]}… then; "
            f"{now.rows} rows, {now.data_sha256[:12]}… now"
        )
        raise DataError(Problem("BP-M014", ", ".join(now.files), what, _RESTORE))
    problems = [
        Problem("BP-C090", key, f"was {old} and is {new} now, since {name} was written", _UNDO)
        for key, old, new in _changes(then.config, now.config, "")
        if threads_too or key != "threads"
    ]
    if problems:
        raise ConfigError(*problems)


def differences(checkpoint: Checkpoint, environment: dict[str, Any]) -> list[Notice]:
    """What is another version, or another number of threads, than when the run was stopped."""
    changed = _changes(checkpoint.record.environment, environment, "")
    return [
        Notice("BP-M016", key, f"was {old} when the run was stopped and is {new} now", _OTHER_BITS)
        for key, old, new in changed
        if key != "cores"
    ]


def _changes(old: Any, new: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """(key, old, new) of every leaf that differs."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            inner = f"{path}.{key}" if path else key
            yield from _changes(old.get(key), new.get(key), inner)
    elif old != new:
        yield path, _word(old), _word(new)


def _word(value: Any) -> str:
    return "absent" if value is None else canonical(value)


_AGAIN = "start again with --force"
_RESTORE = "put the old file back, or start again with --force"
_UNDO = "undo the change, or start again with --force"
_OTHER_BITS = "the result may differ in its last bits from that of a run never stopped"
