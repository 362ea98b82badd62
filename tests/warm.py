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
IMPORTED = ("numpy", "pandas", "rich.progress", "typer", "pydantic", "yaml", "safetensors.numpy")
AT_START = ("PYTHON", "OMP_", "OPENBLAS_", "MKL_", "VECLIB_", "NPY_", "LC_", "LANG", "LD_", "TZ")
LONGEST = 300  # seconds of a command
LARGEST = 1 << 17  # bytes of a request
ENDS = 4  # standard input, output and error, and the exit code: a pipe of each


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

    def run(
        self, arguments: list[str], cwd: Path, environment: Mapping[str, str], stdin: str
    ) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of a command."""
        request = {"arguments": arguments, "cwd": str(cwd), "environment": dict(environment)}
        (read, feed), *outputs = [os.pipe() for _ in range(ENDS)]
        theirs = [read, *(write for _, write in outputs)]
        socket.send_fds(self.line, [json.dumps(request).encode()], theirs)
        for descriptor in theirs:
            os.close(descriptor)
        with ThreadPoolExecutor(ENDS) as pool:
            pool.submit(_write, feed, stdin)
            out, error, code = pool.map(_read, (read for read, _ in outputs))
        return int(code), out, error


def _write(descriptor: int, text: str) -> None:
    with open(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def _read(descriptor: int) -> str:
    with open(descriptor, encoding="utf-8") as stream:
        return stream.read()


def serve(line: socket.socket) -> None:
    """Double this process for every request; a double returns, and goes on as bpcli."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(line, LARGEST, ENDS)
        if not message:
            sys.exit()
        double = os.fork()
        if not double:
            return _become(json.loads(message), descriptors)
        *streams, ending = descriptors
        for descriptor in streams:
            os.close(descriptor)
        with open(ending, "w") as file:
            file.write(str(_exit_code(double)))


def _become(request: dict[str, Any], descriptors: list[int]) -> None:
    """Take the streams, the folder, the variables and the arguments of a request."""
    *streams, ending = descriptors
    os.close(ending)
    for standard, descriptor in enumerate(streams):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[0] = request["cwd"]  # as `python -m` has it
    sys.argv = ["bpcli", *request["arguments"]]


def _exit_code(process: int) -> int:
    """Of a process, which is ended if it takes too long."""
    signal.signal(signal.SIGALRM, lambda *_: os.kill(process, signal.SIGKILL))
    signal.alarm(LONGEST)
    status = os.waitpid(process, 0)[1]
    signal.alarm(0)
    return os.waitstatus_to_exitcode(status)


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
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    runpy.run_module("bpcli", run_name="__main__", alter_sys=True)
