"""The fault loop: every call to the system that writes fails in turn, in every way that it may.

    tests/faults.py [--each N] [--errors NAME ...]

A small run and a prediction are counted through once. Then, for each of their calls, it fails
once, or from there on, or tears, or the process is killed at it. What was complete stays; what
was begun vanishes; `--resume` then ends in the bytes of a run without a fault. Every run is a
process of its own, forked from this one, which has imported everything already.
"""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from bad_inputs.case import command
from resuming import essence, flowers, leftovers, state

from bpcli.runs import files, lock
from bpcli.runs.checkpoint import read_checkpoint
from bpcli.runs.model import read_model
from bpcli.runs.signals import requests

CONFIG = """\
data: {path: flowers.csv, target: species}
network: []
batch_size: 32
epochs: 2
output: {checkpoint_every: 0}
"""
CALLS = ("open", "write", "fchmod", "fsync", "replace", "close", "unlink", "makedirs", "statvfs")
ERRORS = ("ENOSPC", "EIO", "EDQUOT", "EROFS", "EACCES", "EMFILE")
WAYS = ("once", "from then on", "twice", "torn", "killed")
# A full disk, or one with too many files open, still lets go of what it has.
RELEASING = ("unlink", "close")


class Fault(NamedTuple):
    """Which call fails, and how."""

    at: int  # from 1; 0 for none
    error: str = "EIO"
    way: str = "once"

    def hits(self, count: int, call: str) -> bool:
        """Whether a call fails, given its number."""
        if self.way == "from then on" and self.at and count > self.at:
            return not (call in RELEASING and self.error in ("ENOSPC", "EDQUOT", "EMFILE"))
        return count in (self.at, self.at + (self.way == "twice"))


class System:
    """The module `os`, with a fault in it."""

    def __init__(self, fault: Fault) -> None:
        self.fault, self.count = fault, 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return self._counted(name, real) if name in CALLS else real

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.count += 1
            if not self.fault.at or not self.fault.hits(self.count, name):
                return real(*arguments, **options)
            if self.fault.way == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.fault.way == "interrupted":
                os.kill(os.getpid(), signal.SIGINT)
                return real(*arguments, **options)
            if self.fault.way == "torn" and name == "write":
                real(arguments[0], arguments[1][: len(arguments[1]) // 2])
            if name == "close":  # the handle is gone even where closing reports a failure
                real(*arguments)
            code = getattr(errno, self.fault.error)
            raise OSError(code, os.strerror(code))

        return call


def run(fault: Fault, *arguments: str) -> tuple[int, int, str]:
    """(exit code, calls made, stderr) of a command in a process of its own."""
    readable, writable = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(readable)
        requests.listen()
        system = System(fault)
        files.os = lock.os = system  # type: ignore[attr-defined]
        code, _, err = command([*arguments])
        os.write(writable, f"{system.count}\n{err}".encode()[:60_000])
        os._exit(code)
    os.close(writable)
    with os.fdopen(readable) as pipe:
        count, _, said = pipe.read().partition("\n")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code, int(count or 0), said


def fresh(folder: Path) -> None:
    """A folder with data, config and an old file of predictions."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    flowers(folder, CONFIG)
    (folder / "p.csv").write_text("old\n")


TRAIN = ("train", "flowers.yaml", "-o", "run", "-q")
PREDICT = ("predict", "run", "flowers.csv", "-o", "p.csv", "--force", "-q")
NONE = Fault(0)


class Reference(NamedTuple):
    """A run without a fault: what it comes to, and the number of its calls."""

    run: dict[str, str]
    predictions: bytes
    training: int
    predicting: int

    @classmethod
    def of(cls, folder: Path) -> Reference:
        """Made in this folder."""
        fresh(folder)
        with chdir(folder):
            code, training, said = run(NONE, *TRAIN)
            assert code == 0, said
            code, predicting, said = run(NONE, *PREDICT)
            assert code == 0, said
        assert leftovers(folder) == []
        return cls(essence(folder / "run"), (folder / "p.csv").read_bytes(), training, predicting)


def faults(calls: int, each: int, errors: tuple[str, ...]) -> Iterator[Fault]:
    """Every call with every error in every way; or each n-th of these, spread evenly."""
    ways = [pair for pair in product(errors, WAYS) if pair[1] != "killed" or pair[0] == errors[0]]
    everything = [Fault(at, *way) for at in range(1, calls + 1) for way in ways]
    yield from everything[::each]


def check_training(reference: Reference, fault: Fault, folder: Path) -> None:
    """One faulty run, and the run that goes on from it."""
    fresh(folder)
    with chdir(folder):
        code, _, said = run(fault, *TRAIN)
        assert code in codes(fault), f"exit {code}: {said}"
        if code == 0:  # what failed was letting go of the lock, at the very end
            assert state(folder / "run") == "completed"
        elif code > 0:
            _assert_said(fault, said)
        _assert_whole(folder)
        if fault.way == "once":
            assert [name for name in leftovers(folder) if name.endswith(".tmp")] == []
        code, _, said = run(NONE, *TRAIN, "--resume")
        assert code == 0, said
    assert essence(folder / "run") == reference.run
    assert leftovers(folder) == []


def check_predicting(reference: Reference, fault: Fault, folder: Path) -> None:
    """One faulty prediction over an old one, in a folder with the reference's run."""
    (folder / "p.csv").write_text("old\n")
    with chdir(folder):
        code, _, said = run(fault, *PREDICT)
        assert code in codes(fault), f"exit {code}: {said}"
        assert (folder / "p.csv").read_bytes() in (b"old\n", reference.predictions)
        if code == 0:
            assert (folder / "p.csv").read_bytes() == reference.predictions
        elif code > 0:
            _assert_said(fault, said)
        code, _, said = run(NONE, *PREDICT)
        assert code == 0, said
    assert (folder / "p.csv").read_bytes() == reference.predictions
    assert leftovers(folder) == []


def codes(fault: Fault) -> tuple[int, ...]:
    """How a command may end that meets the fault; 0 where it was letting go of something."""
    if fault.way == "killed":
        return (-signal.SIGKILL,)
    if fault.way == "interrupted":
        return (130, 0)
    return (8, 0) if fault.error == "EMFILE" else (6, 0)


def _assert_said(fault: Fault, said: str) -> None:
    code = getattr(errno, fault.error)
    assert os.strerror(code) in said
    assert any(f"({call})" in said for call in (*CALLS, "rename", "mkdir", "chmod")), said


def _assert_whole(folder: Path) -> None:
    """Every file that has its name is complete."""
    found = folder / "run"
    if (found / "run.json").exists():
        assert state(found) in ("running", "failed", "completed")
    if (found / "checkpoint.safetensors").exists():
        read_checkpoint(found / "checkpoint.safetensors")
    if (found / "model.safetensors").exists():
        read_model(found / "model.safetensors")
    assert (folder / "p.csv").read_text() == "old\n"


def loop(each: int, errors: tuple[str, ...], folder: Path) -> int:
    """Run the loop; returns the number of faults, after printing each one that went wrong."""
    reference = Reference.of(folder / "reference")
    done = 0
    checks = (
        (check_training, reference.training, folder / "work"),
        (check_predicting, reference.predicting, folder / "reference"),
    )
    for check, calls, place in checks:
        for fault in faults(calls, each, errors):
            try:
                check(reference, fault, place)
            except AssertionError as error:
                raise SystemExit(f"{check.__name__}, {fault}: {error}") from error
            done += 1
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--each", type=int, default=1, help="only each N-th fault")
    parser.add_argument("--errors", nargs="+", default=ERRORS)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        done = loop(chosen.each, tuple(chosen.errors), Path(name))
    print(f"{done} of {done} faults: old files whole, resumed to the same bytes", file=sys.stdout)


if __name__ == "__main__":
    main()
