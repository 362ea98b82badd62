"""One sitting at a study: works through what it asks for, in a folder with a journal.

A study that is interrupted or killed goes on from the journal in another sitting.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

from bpcli.config.errors import Notice
from bpcli.data.prepare import Prepared
from bpcli.execution.workers import work_through
from bpcli.experiment.config import Config
from bpcli.experiment.load import Loaded
from bpcli.runs import folder as names
from bpcli.runs.claim import Claim
from bpcli.runs.ending import telling
from bpcli.runs.files import write_file
from bpcli.runs.folder import Kind, environment, write_json
from bpcli.runs.journal import Journal, identity_of
from bpcli.runs.signals import requests


class Search(Protocol):
    """What asks for trainings until it knows enough; a group is any of them, done together."""

    def pending(self, jobs: int) -> Sequence[Any]:
        """The groups to do next; empty at the end."""
        ...

    def work(self, group: Any) -> str:
        """Train a group, in any process; one line."""
        ...

    def take(self, line: str) -> None:
        """Take in what came of a group.  Raises ValueError for what no group has written."""
        ...

    def record(self) -> dict[str, Any]:
        """What else run.json should tell."""
        ...

    @property
    def done(self) -> int: ...
    @property
    def left(self) -> int: ...
    @property
    def spent(self) -> float: ...
    @property
    def notices(self) -> tuple[Notice, ...]: ...
    @property
    def failures(self) -> tuple[Notice, ...]: ...


class Subject(NamedTuple):
    """What a study is of: kind of folder, config as given and resolved, and all that it trains."""

    kind: Kind
    loaded: Loaded
    prepared: Prepared
    config: Config
    trained: Mapping[str, Config]  # by the value of the second setting

    def identity(self) -> str:
        """A name for all that a training depends on, besides its rate, fold and length.

        So a finished sweep may be chosen from by another rule, or be given more rates.
        """
        free = {"lr_sweep", "output"}
        configs = {v: one.model_dump(mode="json", exclude=free) for v, one in self.trained.items()}
        return identity_of([self.kind.command, configs, self.prepared.table.sha256])


class Place(NamedTuple):
    """Where and how a study is done; nothing that its results depend on."""

    output: Path | None = None
    jobs: int = 1
    force: bool = False
    resume: bool = False

    def claim(self, loaded: Loaded, kind: Kind) -> Claim:
        """The folder asked for."""
        return Claim(loaded.path, self.output, self.force, self.resume, kind)


class Step(NamedTuple):
    """How far a study is."""

    done: int
    asked: int  # trainings known to be needed
    seconds: float


class Sitting:
    """Take the folder at construction, train by iteration; the journal has what is finished.

    As a context it frees the folder at its end.
    """

    def __init__(self, subject: Subject, search: Search, place: Place) -> None:
        self.subject, self.search, self.jobs = subject, search, place.jobs
        kind, loaded = subject.kind, subject.loaded
        self.folder, self._lock = place.claim(loaded, kind).take(loaded.inputs, space=0)
        try:
            self.journal = Journal(self.folder, subject.identity(), resume=place.resume)
            self.journal.replay(search.take)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ending: object) -> None:
        self._lock.release()

    def __iter__(self) -> Iterator[Step]:
        """Train what is pending, group by group."""
        start, work = time.monotonic(), self.search.work
        with self.telling(), requests.deferred():
            self.write_state("running")  # first, so that the folder is known for a study's
            write_file(self.folder / names.GIVEN, self.subject.loaded.text)
            while groups := self.search.pending(self.jobs):
                for done in work_through(work, groups, self.jobs, requests.require_none):
                    self.search.take(self.journal.add(done.result))
                    yield Step(*self.progress, time.monotonic() - start)

    def telling(self) -> AbstractContextManager[None]:
        """Around work on the folder: how it ends is written down, and said in the error."""
        return telling(self.write_state, lambda: self.on_disk)

    @property
    def on_disk(self) -> str:
        """What the folder holds of a study that has not ended well."""
        done, needed = self.progress
        return f"{self.folder} keeps {done} of {needed} trainings"

    @property
    def progress(self) -> tuple[int, int]:
        """Trainings done, and known to be needed."""
        return self.search.done, self.search.done + self.search.left

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the user should know of the data, the folds and the search."""
        return (*self.subject.prepared.notices, *self.search.notices)

    def write_state(self, state: str, **facts: Any) -> None:
        """Say in run.json how the study stands."""
        _, _, prepared, config, _ = self.subject
        record = {
            "state": state,
            "command": self.subject.kind.command,
            **facts,
            "trainings": self.search.done,
            "seconds": round(self.search.spent, 3),
            **self.search.record(),
            "jobs": self.jobs,
            "seed": config.seed,
            "data": {
                "files": config.data.files,
                "sha256": prepared.table.sha256,
                "rows": prepared.table.n_rows,
            },
            "notices": [one._asdict() for one in (*self.notices, *self.search.failures)],
            "environment": environment(),
        }
        write_json(self.folder / names.RECORD, record)
