"""Hostile names in every command on a real terminal: none of them reaches it as it is."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from running import ROOT

from bpcli.config.characters import is_unsafe

EVIL = "\x1b]0;owned\x07\x1b[7777h\u202e\u200b\x9b[/]:smile:[red]"
MARKS = ("\x1b]0;", "\x07", "\x1b[7777h", "\u202e", "\u200b", "\x9b", "😄")
YES, NO = f"yes{EVIL}", f"=no{EVIL}"
DATA, CONFIG, RUN = f"d{EVIL.replace('/', '')}.csv", "c\x1b[7777h\u202e.yaml", "r\x1b[7777h\u202e"


def on_a_terminal(*arguments: str, cwd: Path, term: str) -> tuple[int, str]:
    """(exit code, everything that a terminal gets) of a command."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bpcli", *arguments],
        cwd=cwd,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": term, "COLUMNS": "100", "CI": ""},
    )
    os.close(theirs)
    output = bytearray()
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not block:
            break
        output += block
    os.close(ours)
    return process.wait(), output.decode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with hostile names of columns and classes, and a config that uses them."""
    folder = tmp_path_factory.mktemp("hostile")
    rows = [f"id{i}{EVIL},{i}.5,{EVIL}{i % 3},{YES if i % 2 else NO}" for i in range(24)]
    (folder / DATA).write_text("\n".join([f"id{EVIL},a{EVIL},b{EVIL},y{EVIL}", *rows, ""]))
    path = DATA.encode("unicode_escape").decode()
    (folder / CONFIG).write_text(f'data: {{path: "{path}"}}\nnetwork: [{{dense: 2}}]\nepochs: 2\n')
    return folder


# In this order: predict and the commands after it use the run of the first.
COMMANDS = {
    "train": (["train", CONFIG, "-v", "-f", "-o", RUN], 0),
    "predict": (["predict", RUN, DATA], 0),
    "predict to a file": (["predict", RUN, DATA, "-f", "-o", f"p{RUN}"], 0),
    "evaluate": (["evaluate", RUN, DATA], 0),
    "init": (["init", DATA, "-f", "-o", f"i{CONFIG}"], 0),
    "init to a terminal": (["init", DATA, "-o", "-"], 0),
    "plan": (["plan", CONFIG], 0),
    "validate": (["validate", CONFIG], 0),
    "expansion": (["validate", CONFIG, "--expand"], 0),
    "list of what is not": (["list", EVIL], 2),
    "command that is none": ([EVIL], 2),
    "no such config": (["train", EVIL], 3),
    "unknown key": (["validate", CONFIG, "--set", f'"{EVIL}"=1'], 3),
    "value": (["validate", CONFIG, "--set", f"seed='{EVIL}'"], 3),
    "no such target": (["train", CONFIG, "--set", f'data.target="t{RUN}"'], 3),
    "no such column": (["train", CONFIG, "--set", "data.target=x"], 4),
    "no such model": (["predict", EVIL.replace("/", ""), DATA], 5),
    "output that is there": (["predict", RUN, DATA, "-o", DATA], 6),
}


def test_no_hostile_name_reaches_a_terminal(folder: Path) -> None:
    for name, (arguments, expected) in COMMANDS.items():
        code, text = on_a_terminal(*arguments, cwd=folder, term="dumb")
        assert code == expected, f"{name}: {text}"
        assert [c for c in text.replace("\r\n", "") if is_unsafe(c)] == [], name


@pytest.mark.parametrize("name", ["train", "unknown key"])
def test_nor_a_terminal_with_colours(folder: Path, name: str) -> None:
    arguments, expected = COMMANDS[name]
    code, text = on_a_terminal(*arguments, cwd=folder, term="xterm-256color")
    assert code == expected, text
    assert [mark for mark in MARKS if mark in text] == []
