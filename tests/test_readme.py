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


def test_the_commands_of_clustering_run_in_order(tmp_path: Path) -> None:
    """As they stand, but for the length of deep training; the configs shown are shipped ones."""
    environment = folder_of_a_user(tmp_path)
    page = (ROOT / "docs" / "clustering.md").read_text(encoding="utf-8")
    shipped = [without_comments(path.read_text()) for path in (ROOT / "configs").glob("*.yaml")]
    commands = []
    for language, text in BLOCK.findall(page):
        if name := re.match(r"# (\S+\.yaml)\n", text):
            (tmp_path / name[1]).write_text(text)
        elif language == "yaml":
            assert without_comments(text) in shipped
        else:
            commands += re.findall(r"^\$ (.*)$", text, re.M)
    short = " --set 'loss={idec: {k: 10, pretrain: 2}}' --set epochs=4"
    for line in commands:
        run(
            line + (short if line.startswith("bpcli train configs/digits") else ""),
            tmp_path,
            environment,
        )
    assert len(commands) == 8


def without_comments(text: str) -> list[str]:
    """The lines of a config, without comments and blank lines."""
    lines = [line.partition("#")[0].rstrip() for line in text.splitlines()]
    return [line for line in lines if line]


def test_every_make_target_exists() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    named = re.findall(r"(?:^|`)make ([a-z]+)\b", README, re.M)
    assert {"train", "test"} <= set(named) <= set(targets)
