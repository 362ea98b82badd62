"""Work in processes that have not the data of this one: they read the same files, once.

What travels is a plan: configs and paths, and what this process has found out about the data
already. So the files have to be at the same place for all, on one machine or on storage that
several share.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from bpcli.config.errors import ResourceError
from bpcli.config.threads import threads_in_use
from bpcli.execution.cluster import another


class Worker(NamedTuple):
    """What does pieces of a work, with an identity that has the data and the versions in it."""

    identity: str
    work: Callable[[Any], Any]


_workers: dict[str, Worker] = {}  # of this process, by identity; the last one only
_one_at_a_time = threading.Lock()  # work arrays are not shared


@dataclass(frozen=True)
class Known:
    """Does pieces in a process that has made the worker already; in any other one gives None."""

    identity: str

    def __call__(self, piece: Any) -> Any:
        with _one_at_a_time:
            worker = _workers.get(self.identity)
            return None if worker is None else worker.work(piece)


@dataclass(frozen=True)
class Elsewhere:
    """Does pieces in any process that reads the files, and only where it comes to the same."""

    identity: str
    plan: Callable[[], Worker]  # can be pickled

    def __call__(self, piece: Any) -> Any:
        """What comes of a piece.  Raises ResourceError where it would be something else here."""
        with _one_at_a_time:
            if self.identity not in _workers:
                _workers.clear()  # before there is another one: it may have much in memory
                _workers[self.identity] = self._worker()
            return _workers[self.identity].work(piece)

    def _worker(self) -> Worker:
        who = f"worker process {os.getpid()}"
        if threads_in_use() != 1:
            raise ResourceError(another(who, "computes with other than one BLAS thread"))
        worker = self.plan()
        if worker.identity != self.identity:
            raise ResourceError(another(who, "has other data at the same place, or other versions"))
        return worker
