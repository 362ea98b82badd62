"""Run bpcli as its users do: a process of its own."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def bpcli(
    *arguments: object, cwd: Path, code: int = 0, stdin: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in `cwd` and check its exit code, with its output as the message."""
    import os

    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "bpcli", *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done


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
