"""Errors and warnings as lines for people and as records for programs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from bpcli.config.errors import BpcliError, Notice, Problem
from bpcli.display.console import is_terminal
from bpcli.display.figures import counted
from bpcli.display.text import show

SCHEMA_VERSION = 1
_MOST_OF_A_KIND = 20
_SENTENCE = 600  # two of them on one line stay below 2,000 characters
_QUOTE = 200
_STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}
_HEAD = re.compile(r"(error|warning|note)(\[[^]]*\]|:)")
_FIX = "  fix: "


def error_lines(error: BpcliError) -> list[str]:
    """Every problem, then how many there are and what is on disk now."""
    total = f"{counted(len(error.problems), 'error')}; {show(error.consequence, _SENTENCE)}"
    return [*_lines("error", error.problems), total]


def notice_lines(notices: Iterable[Notice]) -> list[str]:
    """Warnings in the form of errors; one without an id is a note."""
    notices = list(notices)
    warnings = [Problem(*notice) for notice in notices if notice.id]
    notes = [Problem(*notice) for notice in notices if not notice.id]
    return [*_lines("warning", warnings), *_lines("note", notes)]


def error_record(error: BpcliError) -> dict[str, Any]:
    """The same facts for `--json`, uncut and raw: JSON does its own escaping."""
    return {
        "schema_version": SCHEMA_VERSION,
        "error": type(error).__name__,
        "exit_code": error.exit_code,
        "problems": [{**p._asdict(), "detail": list(p.detail)} for p in error.problems],
        "consequence": error.consequence,
    }


def notice_record(notice: Notice) -> dict[str, Any]:
    """A warning for `--json`."""
    return {"schema_version": SCHEMA_VERSION, **notice._asdict()}


def print_lines(console: Console, lines: Iterable[str]) -> None:
    """Print message lines: wrapped with a hanging indent on a terminal, whole in a pipe."""
    for line in lines:
        if is_terminal(console.file) and not _is_quote(line):
            line = _wrapped(line, console)
        console.print(_styled(line), soft_wrap=True)


def _lines(kind: str, problems: Sequence[Problem]) -> Iterator[str]:
    totals = Counter(problem.id for problem in problems)
    seen: Counter[str] = Counter()
    for problem in problems:
        seen[problem.id] += 1
        head = f"{kind}[{show(problem.id)}]" if problem.id else f"{kind}:"
        if seen[problem.id] <= _MOST_OF_A_KIND:
            yield from _problem_lines(head, problem)
        elif seen[problem.id] == _MOST_OF_A_KIND + 1:
            yield f"{head} and {totals[problem.id] - _MOST_OF_A_KIND} more of this kind"


def _problem_lines(head: str, problem: Problem) -> Iterator[str]:
    where = f"{show(problem.where, _SENTENCE)}: " if problem.where else ""
    yield f"{head} {where}{show(problem.what, _SENTENCE)}"
    for above, line in pairwise(("", *problem.detail)):
        yield f"  {_caret_line(above, line) if _is_caret(line) else show(line, _QUOTE)}"
    if problem.fix:
        yield f"{_FIX}{show(problem.fix, _SENTENCE)}"


def _is_caret(line: str) -> bool:
    return "^" in line and not line.strip(" \t|^~")


def _caret_line(above: str, line: str) -> str:
    """The caret below the character it means, also after escapes and wide characters."""
    column = line.index("^")
    shift = cell_len(show(above[:column], _QUOTE)) - len(above[:column])
    margin = line[: column + min(shift, 0)].replace("\t", " ") + " " * shift
    return show(margin + line[column:], _QUOTE)


def _is_quote(line: str) -> bool:
    """Whether this is a detail line, which stays as it is: a caret may point at it."""
    return line.startswith("  ") and not line.startswith(_FIX)


def _wrapped(line: str, console: Console) -> str:
    hang = len(_FIX) if line.startswith(_FIX) else 4
    rows = Text(line[hang:]).wrap(console, max(console.width - hang, 10))
    return line[:hang] + f"\n{' ' * hang}".join(row.plain.rstrip() for row in rows)


def _styled(line: str) -> Text:
    text = Text(line)
    if head := _HEAD.match(line):
        text.stylize(_STYLES[head[1]], 0, head.end())
    elif line.startswith(_FIX):
        text.stylize("cyan", 0, len(_FIX))
    return text
