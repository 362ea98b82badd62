"""The work of a study in processes that have not its data: they read the same files, once.

What travels is the plan: configs and paths, some kilobytes. So the files have to be at the same
place for all, on one machine or on storage that several share.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bpcli.config.errors import ResourceError
from bpcli.config.threads import threads_in_use
from bpcli.execution.cluster import another
from bpcli.runs.subject import Search, Subject

Plan = Callable[[], tuple[Subject, Search]]
_searches: dict[str, Search] = {}  # of this process, by identity; the last one only


@dataclass(frozen=True)
class Elsewhere:
    """Trains groups in any process that reads the files of the study of this identity."""

    identity: str
    plan: Plan  # can be pickled

    def __call__(self, group: Any) -> str:
        """Train a group; one line.  Raises ResourceError where the result would be another one."""
        if self.identity not in _searches:
            search = self._search()
            _searches.clear()
            _searches[self.identity] = search
        return _searches[self.identity].work(group)

    def _search(self) -> Search:
        who = f"worker process {os.getpid()}"
        if threads_in_use() != 1:
            raise ResourceError(another(who, "computes with other than one BLAS thread"))
        subject, search = self.plan()
        if subject.identity() != self.identity:
            raise ResourceError(another(who, "has other data at the same place, or other versions"))
        return search
