"""Bounded: bombs are refused small and quickly, and a limit of the shell is respected."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from bad_inputs.case import CONFIG, TABLE
from bad_inputs.config import CASES
from running import ROOT

SECONDS, MEGABYTES = 2, 200  # what a config may cost, whatever it says
BOMBS = {case.name: case for case in CASES if "bomb" in case.name or 6 in case.rows}
BIG = {
    "a million characters of list": b"a: [" + b"1," * 499_990 + b"1]\n",
    "a million characters of keys": b"".join(b"k%d: 1\n" % i for i in range(90_000)),
    "a million characters of text": b"a: '" + b"x" * 999_990 + b"'\n",
    "a million quotes": b'"' * 999_999,
    "a million anchors": b"".join(b"k%d: &a%d 1\n" % (i, i) for i in range(60_000)),
    "a million spaces": b" " * 999_999,
    "a million stars": b"*" * 999_999,
    "a million dashes": b"- " * 499_999,
}
GIVEN = {**{name: case.files["c.yaml"] for name, case in BOMBS.items()}, **BIG}


PROBE = """
import resource, sys
sys.argv = ["bpcli", {command!r}, "c.yaml"]
from bpcli.cli.app import run
code = run()
used = resource.getrusage(resource.RUSAGE_SELF)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(code, used.ru_utime + used.ru_stime, int(peak.split()[1]) / 1000)
"""


def measured(command: str, folder: Path) -> tuple[int, float, float]:
    """The exit code of a command on c.yaml, its seconds of the processor, its peak in MB."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(command=command)],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    code, seconds, megabytes = done.stdout.split()
    return int(code), float(seconds), float(megabytes)


@pytest.mark.parametrize("name", GIVEN)
def test_a_config_costs_little(name: str, tmp_path: Path) -> None:
    content = GIVEN[name]
    (tmp_path / "c.yaml").write_bytes(content.encode() if isinstance(content, str) else content)  # type: ignore[arg-type]
    code, seconds, megabytes = measured("validate", tmp_path)
    assert code == 3
    assert seconds < SECONDS
    assert megabytes < MEGABYTES


def test_a_limit_of_the_shell_is_respected(tmp_path: Path) -> None:
    wide = CONFIG.replace("{dense: 2}", "{dense: 20000}, {dense: 20000}")
    (tmp_path / "c.yaml").write_text(wide)
    (tmp_path / "t.csv").write_text(TABLE)
    done = subprocess.run(
        [sys.executable, "-m", "bpcli", "train", "c.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (4 * 10**9, 4 * 10**9)),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 8, done.stderr
    assert "[BP-R001] network: training takes about" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.yaml", "t.csv"]


def test_a_wrong_name_is_found_before_the_rows_are_read(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(CONFIG.replace("target: y", "target: z"))
    (tmp_path / "t.csv").write_text(TABLE + "1,red,2\n" * 100_000)
    os.truncate(tmp_path / "t.csv", 300_000_000)
    code, seconds, megabytes = measured("train", tmp_path)
    assert code == 4
    assert seconds < SECONDS
    assert megabytes < MEGABYTES
