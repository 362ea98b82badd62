"""The tour of README.md, command by command, in a folder of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from running import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
ELSEWHERE = ("make ", ". .venv/bin/activate")  # these set up the environment that a test has


def folder_of_a_user(tmp_path: Path) -> dict[str, str]:
    """A copy of what the README's commands use; returns an environment with bpcli on the path."""
    for name in ("configs", "data"):
        shutil.copytree(ROOT / name, tmp_path / name)
    command = tmp_path / "bin" / "bpcli"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -W error -m bpcli "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}


def run(line: str, cwd: Path, environment: dict[str, str]) -> str:
    """Run one line; `# exit code 3` at its end says how it must end."""
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
    )
    stated = re.search(r"# exit code (\d+)$", line)
    assert done.returncode == (int(stated[1]) if stated else 0), f"{line}\n{done.stdout}"
    return done.stdout


def test_every_command_runs_in_order(tmp_path: Path) -> None:
    environment = folder_of_a_user(tmp_path)
    output, ran = "", set()
    for language, text in BLOCK.findall(README):
        match language:
            case "yaml":
                (name,) = re.findall(r"\A# (\S+\.yaml)\n", text)
                (tmp_path / name).write_text(text)
            case "sh":
                for line in text.splitlines():
                    if not line.startswith(ELSEWHERE):
                        output = run(line, tmp_path, environment)
                        ran.add(" ".join(line.split()[:2]))
            case "text":
                assert text in output, f"the README shows\n{text}\nbut the command says\n{output}"
            case _:
                raise AssertionError(f"a block of {language} is not checked")
    named = re.findall(r"^\| `(bpcli [\w-]+)", README, re.M)
    assert len(named) >= 6
    assert set(named) <= ran


def test_every_make_target_exists() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    named = re.findall(r"(?:^|`)make ([a-z]+)\b", README, re.M)
    assert {"train", "test"} <= set(named) <= set(targets)
