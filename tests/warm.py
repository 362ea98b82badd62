"""Real processes that start at once: doubles of one that has imported what bpcli imports.

Most of a test's time would be the import of numpy, pandas and rich, a thousand times over. A double
has its own folder, arguments, environment, standard streams and exit code. What the interpreter or
the BLAS reads as it starts cannot be given to it: `fits` tells.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

import bpcli
from bpcli.config import threads

DOUBLES = sys.platform == "linux"
IMPORTED = (
    *("numpy", "pandas", "rich.progress", "typer", "pydantic", "yaml", "safetensors.numpy"),
    *("matplotlib.figure", "matplotlib.backends.backend_svg", "jinja2", "optuna"),
)
AT_START = ("PYTHON", "OMP_", "OPENBLAS_", "MKL_", "VECLIB_", "NPY_", "LC_", "LANG", "LD_", "TZ")
LARGEST = 1 << 17  # bytes of a request
ENDS = 4  # standard input, output and error, and what tells of the process: a pipe of each


class Double:
    """A command at work, with what of `subprocess.Popen` the tests ask for."""

    def __init__(self, feed: int, out: int, err: int, told: int) -> None:
        self._feed, self._outputs = feed, (out, err)
        self._told = open(told)  # noqa: SIM115  the process's number, then its exit code
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, once it has one."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            with self._told:
                self.returncode = int(self._told.readline())
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, stdin: str = "", timeout: float | None = None) -> tuple[str, str]:
        """Its output and errors, once it has ended.  Raises TimeoutExpired."""
        with ThreadPoolExecutor(ENDS) as pool:
            pool.submit(_write, self._feed, stdin)
            texts = [pool.submit(_read, one) for one in self._outputs]
            if self.poll() is None and not select.select([self._told], [], [], timeout)[0]:
                self.kill()
                raise subprocess.TimeoutExpired("bpcli", timeout or 0)
            self.poll()
            out, err = (text.result() for text in texts)
        return out, err


class Warm:
    """The process that is doubled, at the other end of a socket."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self.line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-W", "error", __file__, str(theirs.fileno())]
            given = {"env": self.environment, "pass_fds": [theirs.fileno()]}
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **given)
        atexit.register(self.close)

    def close(self) -> None:
        """It ends where nothing more can be asked of it."""
        self.line.close()
        self.process.wait()

    def fits(self, environment: Mapping[str, str]) -> bool:
        """Whether a double would see these variables as a new process does."""
        changed = dict(environment.items() ^ self.environment.items())
        return DOUBLES and not any(name.startswith(AT_START) for name in changed)

    def begin(self, arguments: list[str], cwd: Path, environment: Mapping[str, str]) -> Double:
        """A command that goes on by itself."""
        request = {"arguments": arguments, "cwd": str(cwd), "environment": dict(environment)}
        (read, feed), *outputs = [os.pipe() for _ in range(ENDS)]
        theirs = [read, *(write for _, write in outputs)]
        socket.send_fds(self.line, [json.dumps(request).encode()], theirs)
        for descriptor in theirs:
            os.close(descriptor)
        return Double(feed, *(one for one, _ in outputs))


def _write(descriptor: int, text: str) -> None:
    with open(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def _read(descriptor: int) -> str:
    with open(descriptor, encoding="utf-8") as stream:
        return stream.read()


# ---- in the process that is doubled -------------------------------------------------------------


def serve(line: socket.socket) -> None:
    """Double this process for every request; a double returns, and goes on as bpcli."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers end as they like
    while True:
        message, descriptors, _, _ = socket.recv_fds(line, LARGEST, ENDS)
        if not message:
            sys.exit()
        if not os.fork():
            return _keep(json.loads(message), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _keep(request: dict[str, Any], *descriptors: int) -> None:
    """Tell of a double: its number, and how it ended."""
    *streams, told = descriptors
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    double = os.fork()
    if not double:
        os.close(told)
        return _become(request, streams)
    for descriptor in streams:
        os.close(descriptor)
    with open(told, "w") as file:
        print(double, file=file, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(double, 0)[1]), file=file)
    os._exit(0)


def _become(request: dict[str, Any], streams: list[int]) -> None:
    """Take the streams, the folder, the variables and the arguments of a request."""
    for standard, descriptor in enumerate(streams):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[0] = request["cwd"]  # as `python -m` has it
    sys.argv = ["bpcli", *request["arguments"]]


def _import_all() -> None:
    """Import bpcli and what it stands on; the number of threads can still be fixed afterwards."""
    for name in IMPORTED:
        import_module(name)
    threads.fix_threads = _fix_threads
    for module in pkgutil.walk_packages(bpcli.__path__, "bpcli."):
        if not module.name.endswith("__main__"):
            import_module(module.name)


def _fix_threads(count: int) -> None:
    for name in threads.VARIABLES:
        os.environ[name] = str(count)
    threadpool_limits(count)


if __name__ == "__main__":
    _import_all()
    gc.freeze()  # or the doubles' first collection would copy every page
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        serve(requests)
    runpy.run_module("bpcli", run_name="__main__", alter_sys=True)
