"""Being asked to end, losing the terminal, and other weather while a run is at work."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from shlex import quote

import pytest
from resuming import CONFIG, INT, TERM, end, essence, flowers, leftovers, state, wait_for
from running import ROOT, begin, begin_afresh, bpcli, train

LONG = CONFIG.replace("epochs: 60", "epochs: 300")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing happened to."""
    folder = tmp_path_factory.mktemp("calm")
    train(flowers(folder, LONG), "-o", "run", cwd=folder)
    return folder / "run"


def driven(code: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command in which `code` has put something that happens at a chosen place."""
    program = f"import os, signal, sys\n{code}\nfrom bpcli.__main__ import main\nmain()\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    return done


LOADING = """
import bpcli.data.prepare as module
read = module.read_files
def interrupted(*arguments):
    os.kill(os.getpid(), signal.{name})
    return read(*arguments)
module.read_files = interrupted
"""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_while_loading_nothing_is_written(tmp_path: Path, name: str, code: int) -> None:  # row 43
    flowers(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    drive = LOADING.format(name=name)
    done = driven(drive, "train", "flowers.yaml", "-o", "run", cwd=tmp_path)
    assert done.returncode == code
    assert "nothing was written" in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


# A signal in the middle of the first checkpoint's write, at the call named; then once more.
WRITING = """
import bpcli.runs.files as module
class System:
    sent = 0
    def __getattr__(self, name):
        return getattr(os, name)
    def {call}(self, *arguments, **options):
        done = os.{call}(*arguments, **options)
        written = os.path.exists("run/config.yaml") and os.path.exists("run/split.csv")
        if written and System.sent < {times}:
            System.sent += 1
            os.kill(os.getpid(), signal.SIGINT)
        return done
module.os = System()
"""


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
@pytest.mark.parametrize("times", [1, 2])
def test_while_a_checkpoint_is_written(
    calm: Path, tmp_path: Path, call: str, times: int
) -> None:  # rows 45, 46
    flowers(tmp_path, LONG)
    command = ("train", "flowers.yaml", "-o", "run")
    done = driven(WRITING.format(call=call, times=times), *command, cwd=tmp_path)
    assert done.returncode == 130, done.stderr
    assert state(tmp_path / "run") == "interrupted"
    assert leftovers(tmp_path) == []
    bpcli(*command, "--resume", cwd=tmp_path)
    assert essence(tmp_path / "run") == essence(calm)


def test_a_checkpoint_is_on_disk_soon_after_sigterm(tmp_path: Path) -> None:  # row 49
    rest = "output: {checkpoint_every: 9999}\nepochs: 100000"
    text = CONFIG.partition("epochs")[0] + rest
    process = begin("train", flowers(tmp_path, text), "-o", "run", "-q", cwd=tmp_path)
    wait_for(tmp_path / "run" / "split.csv", process)
    time.sleep(0.3)
    started = time.monotonic()
    code, said = end(process, TERM)
    assert code == 143
    assert "has a checkpoint at iteration" in said
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()
    assert time.monotonic() - started < 10


def test_stopped_and_continued(calm: Path, tmp_path: Path) -> None:  # rows 51, 57
    process = begin("train", flowers(tmp_path, LONG), "-o", "run", "-q", cwd=tmp_path)
    wait_for(tmp_path / "run" / "checkpoint.safetensors", process)
    for number in (signal.SIGTSTP, signal.SIGSTOP, signal.SIGWINCH, signal.SIGCONT):
        process.send_signal(number)
    code, said = end(process)
    assert code == 0, said
    assert essence(tmp_path / "run") == essence(calm)


STREAMS = {
    "55 stdout closed by its reader": "{} | true",
    "55 stdout closed": "{} >&-",
    "56 stderr closed": "{} 2>&-",
    "56 both closed": "{} >&- 2>&-",
    "56 no terminal to speak of": "TERM=dumb COLUMNS=20 {}",
    "57 stderr full": "{} 2>/dev/full",
}


@pytest.mark.parametrize("name", STREAMS)
def test_streams_never_end_training(calm: Path, tmp_path: Path, name: str) -> None:
    flowers(tmp_path, LONG)
    command = f"{quote(sys.executable)} -W error -m bpcli train flowers.yaml -o run"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {STREAMS[name].format(command)}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr
    assert essence(tmp_path / "run") == essence(calm)


@pytest.mark.parametrize("name", ["train", "predict"])
def test_a_signal_set_to_be_ignored_stays_ignored(tmp_path: Path, name: str) -> None:
    config = flowers(tmp_path)
    train(config, "-o", "run", cwd=tmp_path)
    command = ["train", config, "-o", "new"] if name == "train" else ["predict", "run", "-"]
    process = begin_afresh(
        *command,
        cwd=tmp_path,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    time.sleep(1)
    process.send_signal(signal.SIGHUP)
    _, said = process.communicate((tmp_path / "flowers.csv").read_text(), timeout=60)
    assert process.returncode == 0, said


def test_predict_leaves_nothing_behind(tmp_path: Path) -> None:  # row 48
    train(flowers(tmp_path), "-o", "run", cwd=tmp_path)
    command = ("predict", "run", "-", "-o", "p.csv")
    process = begin_afresh(*command, cwd=tmp_path)
    time.sleep(2)  # it waits for its input
    code, said = end(process, INT)
    assert code in (130, -2), said  # -2: before Python itself was ready
    assert not (tmp_path / "p.csv").exists()
    assert leftovers(tmp_path) == []


def test_a_config_edited_meanwhile_changes_nothing(calm: Path, tmp_path: Path) -> None:  # row 10
    config = flowers(tmp_path, LONG)
    process = begin("train", config, "-o", "run", "-q", cwd=tmp_path)
    wait_for(tmp_path / "run" / "checkpoint.safetensors", process)
    config.write_text(LONG.replace("0.01", "0.5"))
    code, said = end(process)
    assert code == 0, said
    assert essence(tmp_path / "run") == essence(calm)
    assert (tmp_path / "run" / "config.yaml").read_text() == LONG


@pytest.mark.parametrize("way", ["moved", "deleted"])
def test_a_folder_that_goes_away(tmp_path: Path, way: str) -> None:  # row 63
    config = flowers(tmp_path, LONG.replace("epochs: 300", "epochs: 100000"))
    process = begin("train", config, "-o", "run", "-q", cwd=tmp_path)
    wait_for(tmp_path / "run" / "checkpoint.safetensors", process)
    (tmp_path / "run").rename(tmp_path / "moved")
    if way == "deleted":
        shutil.rmtree(tmp_path / "moved")
    code, said = end(process)
    assert code == 6
    assert "run/checkpoint.safetensors: cannot be written" in said
    assert "its folder is gone" in said
    assert not (tmp_path / "run").exists()


CLOCK = """
import time
time.time = iter([0.0, 2.0**31, -5.0] * 10**6).__next__
"""


def test_jumps_of_the_clock_change_no_bit(calm: Path, tmp_path: Path) -> None:  # row 58
    flowers(tmp_path, LONG)
    done = driven(CLOCK, "train", "flowers.yaml", "-o", "run", "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert essence(tmp_path / "run") == essence(calm)


def test_divergence_keeps_the_last_finite_checkpoint(tmp_path: Path) -> None:  # row 64
    rows = [f"{1e3 * i},{2e3 * i}" for i in range(20)]
    (tmp_path / "line.csv").write_text("x,y\n" + "\n".join(rows))
    (tmp_path / "line.yaml").write_text(
        "data: {path: line.csv, target: y}\nnetwork: []\noptimizer: sgd\nlearning_rate: 10\n"
        "batch_size: full\nepochs: 500\npreprocess: {numeric: none, target: none}\n"
        "output: {checkpoint_every: 0}\n"
    )
    said = bpcli("train", "line.yaml", "-o", "run", cwd=tmp_path, code=7).stderr
    assert "run has a checkpoint at iteration" in said
    assert state(tmp_path / "run") == "diverged"
    assert not (tmp_path / "run" / "model.safetensors").exists()
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert 0 < record["iterations"] < 500
    bpcli("train", "line.yaml", "-o", "run", "--resume", cwd=tmp_path, code=7)


def test_a_fault_of_bpcli_is_told_without_the_data(tmp_path: Path) -> None:  # row 86
    flowers(tmp_path)
    code = """
import bpcli.runs.results as module
def broken(*arguments):
    raise RuntimeError("a cell with 5.1")
module.constant_baseline = broken
"""
    done = driven(code, "train", "flowers.yaml", "-o", "run", "-q", cwd=tmp_path)
    assert done.returncode == 1
    (crash,) = tmp_path.glob("bpcli-crash-*.txt")
    assert crash.name in done.stderr
    text = crash.read_text()
    assert "RuntimeError" in text
    assert "in broken" in text
    assert "5.1" not in text
    assert state(tmp_path / "run") == "failed"
    assert "5.1" not in (tmp_path / "run" / "run.json").read_text()
    bpcli("train", "flowers.yaml", "-o", "run", "--resume", cwd=tmp_path)
