"""Worker processes: results whatever the number of jobs, and what happens when one dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import ROOT

from bpcli.config.errors import ResourceError
from bpcli.execution.workers import work_through


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_every_piece_is_done_once(jobs: int) -> None:
    done = list(work_through(lambda n: f"{n * n}\n{'é' * n}", range(7), jobs))
    assert sorted(done) == [(n, f"{n * n}\n{'é' * n}") for n in range(7)]


def test_a_result_larger_than_a_pipe(tmp_path: Path) -> None:
    (done,) = work_through(lambda n: "x" * n, [3_000_000], 2)
    assert len(done.result) == 3_000_000


def test_a_worker_that_dies_loses_its_own_piece_only(tmp_path: Path) -> None:
    def work(number: int) -> str:
        with (tmp_path / f"{number}").open("a") as log:
            log.write("x")
        if number == 2 and (tmp_path / "2").read_text() == "x":
            os.kill(os.getpid(), signal.SIGKILL)
        return str(number)

    done = list(work_through(work, range(5), 2))
    assert sorted(one.number for one in done) == list(range(5))
    assert [len((tmp_path / f"{n}").read_text()) for n in range(5)] == [1, 1, 2, 1, 1]


def test_a_piece_that_always_dies_is_an_error() -> None:
    def work(number: int) -> str:
        return os._exit(9) if number == 1 else str(number)

    with pytest.raises(ResourceError) as error:
        list(work_through(work, range(3), 2))
    (problem,) = error.value.problems
    assert problem.id == "BP-S001" and "code 9" in problem.what


def test_a_worker_without_memory_says_so_in_one_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    def work(number: int) -> str:
        raise MemoryError

    with pytest.raises(ResourceError) as error:
        list(work_through(work, range(1)))
    (problem,) = error.value.problems
    assert problem.id == "BP-S001" and "without memory" in problem.what
    assert capfd.readouterr().err == ""


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_no_process_outlives_an_interrupted_loop() -> None:
    started, before = [], children()
    for done in work_through(lambda n: (time.sleep(60 * n), str(os.getpid()))[1], range(3), 3):
        started.append(done)
        break
    assert children() == before


SCRIPT = """
import os, sys, time
from bpcli.execution.workers import work_through
def work(n):
    if n:
        open(sys.argv[1], "w").write(str(os.getpid()))
        time.sleep(60)
    return ""
for _ in work_through(work, range(2), 2):
    while not os.path.exists(sys.argv[1]) or not open(sys.argv[1]).read():
        time.sleep(0.01)
    os.kill(os.getpid(), 9)
"""


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    command = [sys.executable, "-c", SCRIPT, str(told)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60)
    assert done.returncode == -signal.SIGKILL
    worker, deadline = Path(f"/proc/{told.read_text()}/stat"), time.monotonic() + 20
    while worker.exists() and worker.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline, "the worker lives on"
        time.sleep(0.02)
