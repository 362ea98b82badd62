"""One sitting at a study: works through what it asks for, in a folder with a journal.

A study that is interrupted or killed goes on from the journal in another sitting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

from bpcli.config.errors import Notice
from bpcli.execution.cluster import joined
from bpcli.execution.workers import Done, work_through
from bpcli.experiment.load import Loaded
from bpcli.runs import folder as names
from bpcli.runs.claim import Claim
from bpcli.runs.elsewhere import Elsewhere, Worker
from bpcli.runs.ending import telling
from bpcli.runs.files import write_file
from bpcli.runs.folder import Kind, environment, write_json
from bpcli.runs.journal import Journal
from bpcli.runs.signals import requests
from bpcli.runs.subject import Plan, Search, Subject


class Place(NamedTuple):
    """Where and how a study is done; nothing that its results depend on."""

    output: Path | None = None
    jobs: int = 1
    force: bool = False
    resume: bool = False
    cluster: str | None = None  # in place of worker processes

    def claim(self, loaded: Loaded, kind: Kind) -> Claim:
        """The folder asked for."""
        return Claim(loaded.path, self.output, self.force, self.resume, kind)


class Step(NamedTuple):
    """How far a study is."""

    done: int
    asked: int  # trainings known to be needed
    seconds: float


class Hands(NamedTuple):
    """Who works: how many groups at once, and what does some of them in any order."""

    jobs: int
    work_through: Callable[[Sequence[Any]], Iterator[Done[str]]]


class Sitting:
    """Take the folder at construction, train by iteration; the journal has what is finished.

    `plan` makes the subject and the search once more, where a cluster is to train. As a context
    it frees the folder at its end.
    """

    def __init__(self, subject: Subject, search: Search, plan: Plan, place: Place) -> None:
        self.subject, self.search, self.place = subject, search, place
        kind, loaded, identity = subject.kind, subject.loaded, subject.identity()
        self.elsewhere = Elsewhere(identity, partial(_worker, plan))
        self.folder, self._lock = place.claim(loaded, kind).take(loaded.inputs, space=0)
        try:
            self.journal = Journal(self.folder, identity, resume=place.resume)
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
        start = time.monotonic()
        with self.telling(), requests.deferred():
            self.write_state("running")  # first, so that the folder is known for a study's
            write_file(self.folder / names.GIVEN, self.subject.loaded.text)
            with self._hands() as hands:
                while groups := self.search.pending(hands.jobs):
                    for done in hands.work_through(groups):
                        self.search.take(self.journal.add(done.result))
                        yield Step(*self.progress, time.monotonic() - start)

    @contextmanager
    def _hands(self) -> Iterator[Hands]:
        """Who does the work: processes of this machine, or a cluster."""
        jobs, pause = self.place.jobs, requests.require_none
        if self.place.cluster is None:
            yield Hands(jobs, lambda groups: work_through(self.search.work, groups, jobs, pause))
            return
        with joined(self.place.cluster) as cluster:
            yield Hands(
                cluster.size, lambda groups: cluster.work_through(self.elsewhere, groups, pause)
            )

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
            "cluster": self.place.cluster,
            "jobs": None if self.place.cluster else self.place.jobs,
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


def _worker(plan: Plan) -> Worker:
    subject, search = plan()
    return Worker(subject.identity(), search.work)
