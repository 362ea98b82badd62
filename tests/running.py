"""Run bpcli as its users do: a process of its own."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from warm import Double, Warm

ROOT = Path(__file__).parent.parent


def bpcli(
    *arguments: object, cwd: Path, code: int = 0, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in `cwd` and check its exit code, with its output as the message."""
    process = begin(*arguments, cwd=cwd, **environment)
    done = subprocess.CompletedProcess(arguments, 0, *process.communicate(stdin, timeout=300))
    assert process.returncode == code, f"exit {process.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done


def begin(*arguments: object, cwd: Path, **environment: str) -> Double | subprocess.Popen[str]:
    """A command that goes on by itself."""
    words, own = [str(argument) for argument in arguments], _variables(**environment)
    if _warm().fits(own):
        return _warm().begin(words, cwd, own)
    return begin_afresh(*words, cwd=cwd, env=own)


def begin_afresh(*arguments: object, cwd: Path, **options: Any) -> subprocess.Popen[str]:
    """The same in a process that imports all it needs."""
    piped = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "bpcli", *map(str, arguments)],
        cwd=cwd,
        encoding="utf-8",
        **{"env": _variables(), **piped, **options},
    )


@cache
def _warm() -> Warm:
    """The one process that commands are doubles of."""
    return Warm(_variables())


def _variables(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def train(config: Path, *arguments: object, cwd: Path) -> dict[str, Any]:
    """Train and return the facts of --json."""
    facts: dict[str, Any] = json.loads(bpcli("train", config, *arguments, "--json", cwd=cwd).stdout)
    return facts


def table(text: str) -> list[dict[str, str]]:
    """The rows of a CSV."""
    return list(csv.DictReader(io.StringIO(text)))


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A CSV of rows with the same keys."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
