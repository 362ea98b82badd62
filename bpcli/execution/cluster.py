"""Pieces of work on the workers of a Dask cluster, handed out as `workers` hands them out here.

A piece whose worker dies is done again on another one, and a dead worker of this machine is
replaced. A cluster whose scheduler is lost has lost what it was doing, so the work ends there.
Dask is imported when a cluster is asked for, and sends work and results as pickles: a cluster must
be trusted as this machine is.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from multiprocessing import resource_tracker
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from bpcli.config.errors import Problem, ResourceError
from bpcli.execution.workers import TICK, Done

if TYPE_CHECKING:
    from distributed import Client, Future

LOCAL = "local:"  # local:4 is four worker processes of this machine
HOST = "127.0.0.1"  # a cluster of this machine is open to this machine only
PATIENCE = 20  # seconds until a cluster is there, with its first worker
SAME = ("python", "bpcli", "numpy")  # versions that pickles and bits depend on
LOGGERS = ("distributed", "distributed.client", "tornado", "tornado.application", "bokeh")

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def joined(where: str) -> Iterator[Cluster]:
    """The cluster at `local:4`, at an address such as `tcp://host:8786`, or of a scheduler file.

    Raises ResourceError without Dask, where there is no cluster, or where it has other versions.
    """
    with ExitStack() as stack:
        client = _client(where, stack)
        cluster = Cluster(client, where)
        cluster.require_same_versions()
        yield cluster


class Joining:
    """A cluster that is joined when it is first asked for, and left once for all."""

    def __init__(self, where: str) -> None:
        self._where, self._stack = where, ExitStack()

    @cached_property
    def cluster(self) -> Cluster:
        """See `joined`."""
        return self._stack.enter_context(joined(self._where))

    def leave(self) -> None:
        """If it was joined at all."""
        self._stack.close()


class Cluster:
    """Workers that are there already; they come and go, and no result depends on it."""

    def __init__(self, client: Client, where: str) -> None:
        self.client, self.where = client, where

    @property
    def size(self) -> int:
        """Pieces that can be done at once, by the workers of the moment or by the next one."""
        threads: int = sum(self.client.nthreads().values())
        return max(1, threads)

    @property
    def workers(self) -> list[str]:
        """The addresses of the workers of the moment."""
        return list(self.client.nthreads())

    def work_through(
        self,
        work: Callable[[Item], Result],
        items: Sequence[Item],
        pause: Callable[[], None] = lambda: None,
        homes: Mapping[int, str] = MappingProxyType({}),
    ) -> Iterator[Done[Result]]:
        """The results in the order in which they come; `work` and `items` can be pickled.

        An item by its number is left to the worker at its home's address, while there is one.
        `pause` is called again and again, and may raise. Raises what the work raises, and
        ResourceError where a piece ends its workers again and again, or the scheduler is lost.
        """
        finished: SimpleQueue[Future] = SimpleQueue()
        waiting: dict[Future, int] = {}
        try:
            for number, item in enumerate(items):
                with warnings.catch_warnings(action="ignore"):  # of pieces that are large
                    future = self.client.submit(
                        work,
                        item,
                        pure=False,
                        priority=-number,
                        workers=homes.get(number),
                        allow_other_workers=number in homes,
                    )
                waiting[future] = number
                future.add_done_callback(finished.put)
            while waiting:
                for future in self._some(finished):
                    yield Done(waiting.pop(future), self._result(future))
                pause()
        finally:
            for future in waiting:
                future.cancel()

    def require_same_versions(self) -> None:
        """Raises ResourceError where other versions would compute."""
        found: Any = self.client.get_versions(packages=["bpcli"])
        ours = _versions(found["client"])
        there = [("the scheduler", found["scheduler"]), *found["workers"].items()]
        for who, one in there:
            if (theirs := _versions(one)) != ours:
                raise ResourceError(_differs(str(who), theirs, ours))

    def _some(self, finished: SimpleQueue[Future]) -> Iterator[Future]:
        """Wait a moment for a piece that is done."""
        try:
            yield finished.get(timeout=TICK)
        except Empty:
            self._require_scheduler()

    def _result(self, future: Future) -> Any:
        from distributed.scheduler import KilledWorker

        try:
            return future.result()
        except KilledWorker as killed:
            times = killed.allowed_failures + 1
            what = f"a worker ended early {times} times at the same piece of work"
            fix = "give the workers more memory; what is finished is kept for --resume"
            raise ResourceError(Problem("BP-R034", self.where, what, fix)) from None
        except Exception:
            if not future.cancelled():
                self._require_scheduler()
                raise
            raise self._lost() from None
        finally:
            future.release()

    def _require_scheduler(self) -> None:
        if self.client.status != "running":
            raise self._lost()

    def _lost(self) -> ResourceError:
        what = "the connection to the scheduler of the cluster is lost"
        fix = "start the cluster again; studies and trainings go on with --resume"
        return ResourceError(Problem("BP-R032", self.where, what, fix))


def _client(where: str, stack: ExitStack) -> Client:
    local = where.startswith(LOCAL)
    address = where if local or "://" in where else _address_in(where)
    distributed = _dask(where)
    if local:
        address = stack.enter_context(_workers_here(int(where.removeprefix(LOCAL))))
    elif address.startswith("tls://"):
        _require_certificate(where, distributed)
    try:
        with warnings.catch_warnings(action="ignore"):  # of other versions, which we look at
            client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
        stack.enter_context(client)
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise _unreachable(where, f"has no worker within {PATIENCE} seconds") from None
    except (OSError, ValueError) as error:
        raise _unreachable(where, str(error)) from None
    return client


def _address_in(file: str) -> str:
    """The address that a scheduler has written into its file."""
    try:
        with open(file, encoding="utf-8") as text:
            return str(json.load(text)["address"])
    except FileNotFoundError:
        raise _unreachable(file, "there is no such scheduler file") from None
    except (OSError, ValueError, LookupError, TypeError):
        raise _unreachable(file, "is no scheduler file") from None


def _require_certificate(where: str, distributed: Any) -> None:
    """Dask's client waits long for itself to end where it has no certificate."""
    if distributed.Security().get_connection_args("client")["ssl_context"] is None:
        raise _unreachable(where, "Dask's settings name no certificate (distributed.comm.tls)")


@contextmanager
def _workers_here(count: int) -> Iterator[Any]:
    """A cluster of worker processes on this machine, each with one thread; it ends with us."""
    from distributed import LocalCluster

    with ExitStack() as stack:
        with _interrupts_held():
            cluster = LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                processes=True,
                host=HOST,
                dashboard_address=f"{HOST}:0",
                silence_logs=logging.CRITICAL,
            )
            stack.enter_context(cluster)
        yield cluster


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C waits for the end of the block, and never reaches the processes that it starts.

    A terminal sends it to all of them, and each would end with a traceback; we end them.
    """
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # which would let them through as it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _dask(where: str) -> Any:
    """Dask, told to leave what is to be said to us."""
    try:
        import dask

        dask.config.set({"logging": dict.fromkeys(LOGGERS, "critical")})
        import distributed
    except ImportError:
        what, fix = "needs Dask, which is not installed", "pip install 'bpcli[dask]'"
        raise ResourceError(Problem("BP-R030", where, what, fix)) from None
    return distributed


def _versions(one: Any) -> dict[str, str]:
    packages = one["packages"]
    return {name: str(packages.get(name) or "absent") for name in SAME}


def _differs(who: str, theirs: dict[str, str], ours: dict[str, str]) -> Problem:
    other = [f"{n} {v}, here {ours[n]}" for n, v in theirs.items() if v != ours[n]]
    return another(who, "; ".join(other))


def another(who: str, what: str) -> Problem:
    """A process of the cluster that would not compute what this one computes."""
    fix = "give scheduler and workers the same bpcli, numpy and data as here"
    return Problem("BP-R033", who, what, fix)


def _unreachable(where: str, what: str) -> ResourceError:
    fix = "start a scheduler and workers (docs/scaling.md), or use --cluster local:2"
    return ResourceError(Problem("BP-R031", where, what, fix))


def is_place(where: str) -> bool:
    """Whether that is a way to name a cluster."""
    if where.startswith(LOCAL):
        count = where.removeprefix(LOCAL)
        return count.isascii() and count.isdecimal() and 1 <= int(count) <= MOST
    return where.endswith(".json") or where.startswith(("tcp://", "tls://"))


MOST = 1024  # workers of one machine
