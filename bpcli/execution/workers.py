"""Pieces of work in processes of their own, watched: what dies is done again, nothing else.

A worker is forked for one piece, so it has all that the work reads, and writes its result to a
pipe. One that dies loses its own piece only. Workers end with this process, however it ends.
"""

from __future__ import annotations

import os
import selectors
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Generic, NamedTuple, NoReturn, TypeVar

from bpcli.config.errors import Problem, ResourceError
from bpcli.config.threads import FORKS

ATTEMPTS = 3  # at one piece, before giving up
NO_MEMORY = 8  # exit code of a worker that asked for more than there is
TICK = 0.1  # seconds between two looks at what else there is to do

Item = TypeVar("Item")
Result = TypeVar("Result")


class Done(NamedTuple, Generic[Result]):
    """A finished piece: its number, and what the work returned."""

    number: int
    result: Result


def work_through(
    work: Callable[[Item], str],
    items: Sequence[Item],
    jobs: int = 1,
    pause: Callable[[], None] = lambda: None,
) -> Iterator[Done[str]]:
    """The results in the order in which they come, from up to `jobs` processes at once.

    `pause` is called again and again while they work, and may raise. Raises ResourceError when a
    piece has ended its process three times.
    """
    if not FORKS:
        for number, item in enumerate(items):
            yield Done(number, work(item))
            pause()
        return
    crew = _Crew(work, items)
    try:
        while crew.waiting or crew.workers:
            while crew.waiting and len(crew.workers) < jobs:
                crew.start()
            yield from crew.collect()
            pause()
    finally:
        crew.close()


class _Worker(NamedTuple):
    pid: int
    number: int
    output: list[bytes]


class _Crew:
    """The pieces that wait, and the workers at the others, by the end of the pipe that is read."""

    def __init__(self, work: Callable[[Item], str], items: Sequence[Item]) -> None:
        self.work, self.items = work, items
        self.waiting = list(range(len(items)))
        self.attempts = [0] * len(items)
        self.workers: dict[int, _Worker] = {}
        self.selector = selectors.DefaultSelector()
        self.life = os.pipe()  # nobody writes to it: it ends when this process does

    def start(self) -> None:
        """Fork a worker for the next piece."""
        number = self.waiting.pop(0)
        self.attempts[number] += 1
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(self.life[1])
            _serve(lambda: self.work(self.items[number]), writing, self.life[0])
        os.close(writing)
        self.workers[reading] = _Worker(pid, number, [])
        self.selector.register(reading, selectors.EVENT_READ)

    def collect(self) -> Iterator[Done[str]]:
        """Wait a moment for news; the pieces that are finished with them."""
        for key, _ in self.selector.select(TICK):
            reading: int = key.fd
            if data := os.read(reading, 1 << 16):
                self.workers[reading].output.append(data)
                continue
            worker = self.workers.pop(reading)
            code = self._bury(reading, worker.pid)
            result = b"".join(worker.output)
            if code == 0 and result.endswith(b"\n"):
                yield Done(worker.number, result.decode().removesuffix("\n"))
            else:
                self._again(worker.number, code)

    def _again(self, number: int, code: int) -> None:
        if self.attempts[number] == ATTEMPTS:
            reason = "without memory" if code == NO_MEMORY else f"with code {code}"
            what = f"a worker process ended early {ATTEMPTS} times, at last {reason}"
            fix = "free some memory, or use --jobs 1; what is finished is kept for --resume"
            raise ResourceError(Problem("BP-S001", "worker processes", what, fix))
        self.waiting.insert(0, number)

    def _bury(self, reading: int, pid: int) -> int:
        self.selector.unregister(reading)
        os.close(reading)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def close(self) -> None:
        """End the workers that are left; they hold nothing of their own."""
        for reading, worker in self.workers.items():
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
            self._bury(reading, worker.pid)
        self.workers.clear()
        self.selector.close()
        for end in self.life:
            os.close(end)


def _serve(work: Callable[[], str], writing: int, life: int) -> NoReturn:
    """The life of a worker: it does its piece, unless its parent ends before."""
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        threading.Thread(target=_leave_with, args=(life,), daemon=True).start()
        with open(writing, "wb") as pipe:
            pipe.write(work().encode() + b"\n")
        code = 0
    except MemoryError:
        code = NO_MEMORY
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _leave_with(life: int) -> None:
    """End this process when the pipe ends."""
    os.read(life, 1)
    os._exit(1)
