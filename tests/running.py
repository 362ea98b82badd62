"""Run bpcli as its users do: a process of its own."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from warm import LONGEST, Warm

ROOT = Path(__file__).parent.parent


def bpcli(
    *arguments: object, cwd: Path, code: int = 0, stdin: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in `cwd` and check its exit code, with its output as the message."""
    words, own = [str(argument) for argument in arguments], _variables(**environment)
    run = _warm().run if _warm().fits(own) else _afresh
    done = subprocess.CompletedProcess(words, *run(words, cwd, own, stdin or ""))
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done


@cache
def _warm() -> Warm:
    """The one process that commands are doubles of."""
    return Warm(_variables())


def _variables(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def _afresh(
    arguments: list[str], cwd: Path, environment: Mapping[str, str], stdin: str
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a process that imports all it needs."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "bpcli", *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=LONGEST,
        env=dict(environment),
    )
    return done.returncode, done.stdout, done.stderr


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
