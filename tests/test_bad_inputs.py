"""Every bad input ends as its table says; every message id has a meaning and an example."""

from __future__ import annotations

import ast
import os
import re
import shlex
from collections import defaultdict
from contextlib import nullcontext
from pathlib import Path

import pytest
from bad_inputs import AREAS, CASES
from bad_inputs.audit import Watch, watch
from bad_inputs.case import Case, arrange
from bad_inputs.meanings import FAMILIES, MEANINGS
from running import ROOT, bpcli

ID = re.compile(r"BP-[A-Z]\d{3}")


@pytest.fixture(scope="session")
def hook() -> Watch:
    return watch(ROOT)


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=f"{area}: {c.name}") for area in AREAS for c in AREAS[area]]
)
def test_bad_input(case: Case, tmp_path: Path, hook: Watch) -> None:
    """It ends as it says; it runs nothing, connects to nothing and opens nothing else."""
    ending = hook.run(case, tmp_path)
    shown = f"exit {ending.exit}\n{ending.err}\n{ending.out[:2000]}"
    assert ending.exit == case.exit, shown
    assert f"[{case.id}]" in ending.err, shown
    for words in case.says:
        assert words in ending.err, f"{words!r} is not in\n{shown}"
    assert max(map(len, ending.err.splitlines())) <= 2000
    assert ending.err.replace("\n", "").isprintable()
    if case.exit:
        assert not ending.out
        assert all(case.leaves and path.startswith(case.leaves) for path in ending.new), ending.new
    assert hook.seen == []


def test_the_hook_sees_what_no_case_should_do(tmp_path: Path) -> None:
    wrong = Watch(ROOT)
    wrong.folder = str(tmp_path)
    for event, arguments in (
        ("open", ("/etc/hostname", "r", 0)),
        ("open", (str(ROOT / "bpcli" / "new.py"), "w", os.O_WRONLY)),
        ("open", (str(tmp_path / "own.csv"), "w", os.O_WRONLY)),  # which is allowed
        ("subprocess.Popen", ("ls",)),
        ("socket.connect", ()),
        ("import", ("canary",)),
    ):
        wrong(event, arguments)
    assert [event for _, event, _ in wrong.seen] == [
        *("open with flags 0", f"open with flags {os.O_WRONLY}"),
        *("subprocess.Popen", "socket.connect", "import"),
    ]


def test_names_are_unique_and_cases_are_many() -> None:
    for cases in AREAS.values():
        assert len({case.name for case in cases}) == len(cases)
    assert len(CASES) >= 300


ALONE = [case for case in CASES if case.around is nullcontext]


@pytest.mark.parametrize("case", ALONE[::15], ids=lambda case: case.name)
def test_a_process_of_its_own_ends_alike(case: Case, tmp_path: Path) -> None:
    arrange(case, tmp_path)
    done = bpcli(*shlex.split(case.command), cwd=tmp_path, code=case.exit, COLUMNS="2000")
    assert f"[{case.id}]" in done.stderr


def places() -> dict[str, set[str]]:
    """The modules that use each id."""
    found = defaultdict(set)
    for path in (ROOT / "bpcli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and ID.fullmatch(str(node.value)):
                found[str(node.value)].add(str(path.relative_to(ROOT)))
    return found


def test_every_id_has_a_case_and_a_meaning() -> None:
    ids = places().keys()
    assert sorted(ids - MEANINGS.keys()) == [], "add them to tests/bad_inputs/meanings.py"
    assert sorted(MEANINGS.keys() - ids) == [], "no code uses them"
    assert sorted(ids - {case.id for case in CASES}) == [], "add a case to tests/bad_inputs"


def test_no_id_has_two_meanings() -> None:
    assert {id: used for id, used in places().items() if len(used) > 1} == {}
    assert len(set(MEANINGS.values())) == len(MEANINGS)
    assert {id[3] for id in MEANINGS} == FAMILIES.keys()
