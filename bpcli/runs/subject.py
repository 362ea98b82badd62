"""What a study is: its subject, and the search that asks for trainings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from bpcli.config.errors import Notice
from bpcli.data.prepare import Prepared
from bpcli.experiment.config import Config
from bpcli.experiment.load import Loaded
from bpcli.runs.folder import Kind
from bpcli.runs.journal import identity_of


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


Plan = Callable[[], tuple[Subject, Search]]
