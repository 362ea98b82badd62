"""Errors and warnings as people and programs see them; the streams they go to."""

import io
import json
import sys

import pytest
from rich.console import Console
from rich.text import Text

from bpcli.config.errors import ConfigError, DataError, Notice, Problem
from bpcli.display.console import open_terminal
from bpcli.display.messages import (
    error_lines,
    error_record,
    notice_lines,
    notice_record,
    print_lines,
)

FIELDS = Problem(
    "BP-D014",
    "data.csv, line 62",
    "5 fields, but the header has 4",
    "quote the cell that contains a comma, or remove the extra field",
    ("line 62: 0.1,0.2,0.3,0.4,0.5",),
)


class Tty(io.StringIO):
    def isatty(self):
        return True


def printed(lines, width=40, file=None, **options):
    console = Console(file=file or io.StringIO(), width=width, _environ={}, **options)
    print_lines(console, lines)
    return console.file.getvalue()


def test_the_form_of_an_error():
    assert error_lines(DataError(FIELDS)) == [
        "error[BP-D014] data.csv, line 62: 5 fields, but the header has 4",
        "  line 62: 0.1,0.2,0.3,0.4,0.5",
        "  fix: quote the cell that contains a comma, or remove the extra field",
        "1 error; nothing was written",
    ]


def ended(error, consequence):
    error.consequence = consequence
    return error


def test_the_consequence_comes_last():
    lines = error_lines(ended(DataError(FIELDS, FIELDS), "checkpoint at step 40"))
    assert lines[-1] == "2 errors; checkpoint at step 40"


def test_a_problem_needs_neither_place_nor_fix():
    assert error_lines(ConfigError(Problem("BP-C001", "", "empty")))[0] == "error[BP-C001] empty"


@pytest.mark.parametrize(
    ("above", "caret", "shown"),
    [
        ("rate: abc", "      ^^^", "        ^^^"),
        ("6 | rate: abc", "  |       ^", "    |       ^"),
        ("中: abc", "   ^^^", "      ^^^"),
        ("\trate", "\t^", "    ^"),
        ("e\u0301: abc", "    ^", "     ^"),
    ],
)
def test_a_caret_stays_below_its_character(above, caret, shown):
    lines = error_lines(ConfigError(Problem("BP-C002", "c.yaml:1:1", "bad", "", (above, caret))))
    assert lines[2] == shown


def test_foreign_text_is_shown_and_bounded():
    hostile = "\x1b]0;x\x07\x9b\u202e" * 1000
    problem = Problem("BP-D001", hostile, hostile, hostile, (hostile, hostile))
    for line in error_lines(ended(DataError(problem), hostile)):
        assert line.isprintable()
        assert len(line) < 2000


def test_twenty_of_a_kind_then_a_count():
    many = [FIELDS._replace(where=f"data.csv, line {line}") for line in range(25)]
    other = Problem("BP-D002", "data.csv", "no rows")
    lines = error_lines(DataError(*many, other))
    assert sum("the header has 4" in line for line in lines) == 20
    assert lines[-3:] == [
        "error[BP-D014] and 5 more of this kind",
        "error[BP-D002] data.csv: no rows",
        "26 errors; nothing was written",
    ]


def test_notices_are_warnings_or_notes():
    notices = [
        Notice("", "task", "multiclass: 'species' has 3 words"),
        Notice("BP-D020", "column 'id'", "looks like an identifier", "drop it"),
    ]
    assert notice_lines(notices) == [
        "warning[BP-D020] column 'id': looks like an identifier",
        "  fix: drop it",
        "note: task: multiclass: 'species' has 3 words",
    ]


def test_records_hold_the_same_facts_raw():
    hostile = FIELDS._replace(what="\x1b[2J\udc80")
    record = error_record(ended(DataError(hostile), "model complete"))
    assert record == {
        "schema_version": 1,
        "error": "DataError",
        "exit_code": 4,
        "problems": [
            {
                "id": "BP-D014",
                "where": "data.csv, line 62",
                "what": "\x1b[2J\udc80",
                "fix": "quote the cell that contains a comma, or remove the extra field",
                "detail": ["line 62: 0.1,0.2,0.3,0.4,0.5"],
            }
        ],
        "consequence": "model complete",
    }
    assert json.dumps(record).isprintable()
    assert notice_record(Notice("BP-D020", "a", "b")) == {
        "schema_version": 1,
        "id": "BP-D020",
        "where": "a",
        "what": "b",
        "fix": "",
    }


def test_a_pipe_gets_whole_lines_without_colour():
    lines = error_lines(DataError(FIELDS))
    assert printed(lines) == "\n".join(lines) + "\n"


def test_a_terminal_gets_a_hanging_indent_but_whole_quotes():
    quote = "x" * 60
    problem = FIELDS._replace(detail=(quote,))
    assert printed(error_lines(DataError(problem)), file=Tty(), color_system=None) == (
        "error[BP-D014] data.csv, line 62: 5\n"
        "    fields, but the header has 4\n"
        f"  {quote}\n"
        "  fix: quote the cell that contains a\n"
        "       comma, or remove the extra field\n"
        "1 error; nothing was written\n"
    )


def test_only_the_head_is_coloured():
    text = printed(["error[BP-D014] [/] :smile:"], file=Tty(), color_system="standard")
    assert text == "\x1b[1;31merror[BP-D014]\x1b[0m [/] :smile:\n"


def watch(monkeypatch, stdout=None, stderr=None):
    """Two terminals, unless other streams are given, in an environment without wishes.

    Not a fixture: pytest sets its own streams between the setup and the call of a test.
    """
    for name in ("NO_COLOR", "FORCE_COLOR", "CI", "COLUMNS", "TTY_INTERACTIVE", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stdout", stdout or Tty())
    monkeypatch.setattr(sys, "stderr", stderr or Tty())


@pytest.mark.parametrize(
    ("environment", "color", "interactive", "colored"),
    [
        ({}, True, True, True),
        ({}, False, True, False),
        ({"NO_COLOR": "1"}, True, True, False),
        ({"NO_COLOR": ""}, True, True, True),
        ({"TERM": "dumb"}, True, False, False),
        ({"CI": "true", "FORCE_COLOR": "1", "TTY_INTERACTIVE": "1"}, True, False, True),
        ({"CI": "false"}, True, True, True),
    ],
)
def test_colour_and_animation(monkeypatch, environment, color, interactive, colored):
    watch(monkeypatch)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    terminal = open_terminal(color)
    assert terminal.interactive == terminal.err.is_interactive == interactive
    terminal.result(Text("x", "red"))
    assert ("\x1b" in sys.stdout.getvalue()) == colored


def test_forced_colour_does_not_animate_a_pipe(monkeypatch):
    watch(monkeypatch)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    terminal = open_terminal()
    terminal.say(Text("x", "red"))
    assert not terminal.interactive and not terminal.err.is_interactive
    assert "\x1b[31m" in sys.stderr.getvalue()


def test_a_missing_stream_is_no_terminal(monkeypatch):
    watch(monkeypatch)
    monkeypatch.setattr(sys, "stderr", None)
    terminal = open_terminal()
    terminal.say("unheard")
    assert not terminal.interactive


@pytest.mark.parametrize(
    ("quiet", "verbose", "heard"), [(True, 0, ""), (False, 0, "a\n"), (False, 1, "a\nb\n")]
)
def test_levels(monkeypatch, quiet, verbose, heard):
    watch(monkeypatch)
    terminal = open_terminal(quiet=quiet, verbose=verbose)
    terminal.say("a")
    terminal.say("b", verbosity=1)
    assert sys.stderr.getvalue() == heard


def test_strings_are_literal_and_lines_whole_in_a_pipe(monkeypatch):
    watch(monkeypatch)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    text = "[/] [a] :smile: 42 " * 50
    open_terminal().result(text)
    assert sys.stdout.getvalue().strip() == text.strip()


def test_other_encodings_get_ascii(monkeypatch):
    watch(monkeypatch)
    binary = io.BytesIO()
    with io.TextIOWrapper(binary, encoding="latin-1", newline="\n") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        open_terminal().result("Größe – 3 × 花…")
        assert binary.getvalue() == b"Gr\xf6\xdfe - 3 x \\u82b1...\n"


def test_a_broken_pipe_reaches_the_caller(monkeypatch):
    watch(monkeypatch)

    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(BrokenPipeError):
        open_terminal().result("x")
