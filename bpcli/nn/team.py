"""Processes that compute each update together: they share arrays, and meet before they read them.

Every member runs the same loop over the same batches, with its part of the rows of each batch and
its part of the columns of (R,P). What is summed over the parts is summed in their order, so the
result depends on the number of members and never on which of them is faster.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from math import prod
from multiprocessing.synchronize import Semaphore
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike

from bpcli.nn.layer import Shape

ROWS = 32  # a batch is cut at multiples of so many rows
COLUMNS = 16  # (R,P) is cut at multiples of so many columns: a line of the cache
SPINS = 4000  # looks at a gate before sleeping in front of it, some 0.4 ms
PATIENCE = 0.5  # seconds of sleep between two looks after the others


def shared(shape: Shape, dtype: DTypeLike) -> Any:
    """Zeros that this process and those forked from it see and change together."""
    size = prod(shape) * np.dtype(dtype).itemsize
    return np.frombuffer(mmap.mmap(-1, max(size, 1)), dtype, prod(shape)).reshape(shape)


def cut(length: int, parts: int, step: int) -> list[slice]:
    """`length` items in `parts` runs of whole steps; some are empty where there are few."""
    steps = -(-length // step)
    ends = [min(length, step * (part * steps // parts)) for part in range(parts + 1)]
    return [slice(*both) for both in pairwise(ends)]


class Member:
    """One process of a team: its rank, its parts, and the place where all meet."""

    def __init__(self, rank: int, gates: Sequence[Semaphore], watch: Callable[[], None]) -> None:
        self.rank, self.size = rank, max(1, len(gates))
        self._gates, self._watch = gates, watch

    def part(self, length: int, step: int) -> slice:
        """This member's run of `length` items."""
        return cut(length, self.size, step)[self.rank]

    def meet(self) -> None:
        """Wait for all: whatever any of them wrote before, each may read from here on."""
        for rank, gate in enumerate(self._gates):
            if rank != self.rank:
                gate.release()
        for _ in range(self.size - 1):
            self._pass(self._gates[self.rank])

    def _pass(self, gate: Semaphore) -> None:
        for _ in range(SPINS):
            if gate.acquire(False):
                return
        while not gate.acquire(True, PATIENCE):
            self._watch()


ALONE = Member(0, (), lambda: None)


class Team:
    """`size` members, of which this process is the first; the others live until `close`."""

    def __init__(self, size: int, work: Callable[[Member], object]) -> None:
        gates = [multiprocessing.Semaphore(0) for _ in range(size if size > 1 else 0)]
        self.first = Member(0, gates, self._watch_workers)
        self._workers: list[int] = []
        first_pid = os.getpid()
        for rank in range(1, size):
            pid = os.fork()
            if not pid:
                _serve(Member(rank, gates, lambda: _watch_parent(first_pid)), work)
            self._workers.append(pid)

    def _watch_workers(self) -> None:
        for pid in self._workers:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self._workers.remove(pid)
                code = os.waitstatus_to_exitcode(status)
                raise ChildProcessError(f"a process that trains ended early, with code {code}")

    def close(self) -> None:
        """End the other members; they hold nothing of their own."""
        for pid in self._workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
        self._workers.clear()


def _serve(member: Member, work: Callable[[Member], object]) -> NoReturn:
    """The life of a worker: only the first member decides when training ends."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        work(member)
    finally:
        os._exit(1)


def _watch_parent(pid: int) -> None:
    if os.getppid() != pid:
        os._exit(1)
