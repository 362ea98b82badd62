"""Strict YAML: what each scalar means, what is refused, and where problems are said to be."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.config import reader
from bpcli.config.document import MOST_BYTES, parse_document, parse_yaml, read_document
from bpcli.config.errors import ConfigError, Problem
from bpcli.config.places import excerpt, path_text
from bpcli.config.reader import DEEPEST, MOST_NODES


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        parse_document(text, "c.yaml")
    return caught.value.problems


def problem(text: str) -> Problem:
    (only,) = problems(text)
    return only


SCALARS: list[tuple[str, Any]] = [
    ("1e-3", 0.001),
    ("1e3", 1000.0),
    ("1E+3", 1000.0),
    ("1.0e3", 1000.0),
    (".5", 0.5),
    ("-.5", -0.5),
    ("1.", 1.0),
    ("+1.5", 1.5),
    ("0", 0),
    ("-7", -7),
    ("010", 10),
    ("0o17", 15),
    ("0x1F", 31),
    ("9223372036854775807", 2**63 - 1),
    ("-9223372036854775808", -(2**63)),
    ("true", True),
    ("True", True),
    ("TRUE", True),
    ("false", False),
    ("null", None),
    ("~", None),
    ("", None),
    (".inf", math.inf),
    ("-.INF", -math.inf),
    ("no", "no"),
    ("yes", "yes"),
    ("on", "on"),
    ("off", "off"),
    ("y", "y"),
    ("1:30", "1:30"),
    ("1_000", "1_000"),
    ("2024-01-01", "2024-01-01"),
    ("1e", "1e"),
    (".", "."),
    ("0b1", "0b1"),
    ("0o8", "0o8"),
    ("-0x1F", "-0x1F"),
    ("tRUE", "tRUE"),
    ("nan", "nan"),
    ("1.2.3", "1.2.3"),
    ("٣", "٣"),
    ("=", "="),
    ("'1'", "1"),
    ('"true"', "true"),
    ("''", ""),
    ("'~'", "~"),
    ('"\\x1b"', "\x1b"),
    ("|-\n  010", "010"),
]


@pytest.mark.parametrize(("written", "value"), SCALARS)
def test_scalars_are_those_of_yaml_1_2(written: str, value: Any) -> None:
    read = parse_document(f"a: {written}", "c.yaml").value["a"]
    assert read == value
    assert type(read) is type(value)


def test_not_a_number_is_a_float() -> None:
    assert math.isnan(parse_yaml(".nan", "c.yaml").value)


def test_keys_are_text() -> None:
    text = "2024: 1\n1.5: 2\ntrue: 3\n'': 4\n'<<': 5\n"
    assert parse_document(text, "c.yaml").value == {"2024": 1, "1.5": 2, "true": 3, "": 4, "<<": 5}


def test_marks_have_the_place_of_key_and_value() -> None:
    document = parse_document("a:\n  b: 1\n  c: [x, {d: 2}]\ne:\n", "c.yaml")
    places = {path: (mark.key, mark.value) for path, mark in document.marks.items()}
    assert places == {
        (): ((1, 1), (1, 1)),
        ("a",): ((1, 1), (2, 3)),
        ("a", "b"): ((2, 3), (2, 6)),
        ("a", "c"): ((3, 3), (3, 6)),
        ("a", "c", 0): ((3, 7), (3, 7)),
        ("a", "c", 1): ((3, 10), (3, 10)),
        ("a", "c", 1, "d"): ((3, 11), (3, 14)),
        ("e",): ((4, 1), (4, 3)),
    }


def test_an_alias_is_its_value_again() -> None:
    document = parse_document("a: &x {b: [1, 2]}\nc: *x\n", "c.yaml")
    assert document.value["c"] == {"b": [1, 2]}
    assert document.value["c"] is not document.value["a"]
    assert document.marks["c",] == ((2, 1), (1, 4), "")
    assert document.marks["c", "b", 1].value == (1, 15)


REFUSED = [
    ("a: 1\nb: 2\na: 3\n", "BP-C016", "c.yaml:3:1: a", "line 1"),
    ("a: {b: 1, 'b': 2}\n", "BP-C016", "c.yaml:1:11: a.b", "line 1"),
    ("a:\n  ? [x]\n  : 1\n", "BP-C013", "c.yaml:2:5: a", "text as a key"),
    ("k: &k x\n*k : 1\n", "BP-C013", "c.yaml:2:1", "text as a key"),
    ("~: 1\n", "BP-C015", "c.yaml:1:1", "empty"),
    ("? \n: 1\n", "BP-C015", "c.yaml:1:2", "empty"),
    ("a: &x {b: 1}\nc:\n  <<: *x\n", "BP-C014", "c.yaml:3:3: c", "merge"),
    ("a: !!python/object/apply:os.system [x]\n", "BP-C017", "c.yaml:1:4: a", "os.system"),
    ("a: !!str 1\n", "BP-C017", "c.yaml:1:4: a", "tag"),
    ("a: ! 1\n", "BP-C017", "c.yaml:1:4: a", "tag"),
    ("!x a: 1\n", "BP-C017", "c.yaml:1:1", "tag"),
    ("a: *b\n", "BP-C011", "c.yaml:1:4: a", "*b"),
    ("a: &x 1\nb: &x 2\n", "BP-C008", "c.yaml:2:4", "&x"),
    ("a: 9223372036854775808\n", "BP-C012", "c.yaml:1:4: a", "64 bits"),
    (f"a: {'9' * 5000}\n", "BP-C012", "c.yaml:1:4: a", "64 bits"),
    ("a: 0xffffffffffffffffff\n", "BP-C012", "c.yaml:1:4: a", "64 bits"),
    ("a: 1e999\n", "BP-C012", "c.yaml:1:4: a", "1.8e308"),
    ("a: 1\n---\nb: 2\n", "BP-C007", "c.yaml:2:1", "second document"),
    ("%YAML 1.2\n---\na: 1\n", "BP-C006", "c.yaml:1:1", "directives"),
    ("", "BP-C018", "c.yaml", "empty"),
    ("# nothing\n---\n", "BP-C018", "c.yaml", "empty"),
    ("- a\n", "BP-C019", "c.yaml:1:1", "key: value"),
    ("key:value\n", "BP-C019", "c.yaml:1:1", "space after the colon"),
    ("a: x\x00y\n", "BP-C005", "c.yaml:1:5", "U+0000"),
    ("a: 1\r\n\nb: \x1b[31m\n", "BP-C005", "c.yaml:3:4", "U+001B"),
    ("a: \ufeff1\n", "BP-C005", "c.yaml:1:4", "U+FEFF"),
    ("a: \ud800\n", "BP-C005", "c.yaml:1:4", "U+D800"),
    ("a: 1\fb\n", "BP-C005", "c.yaml:1:5", "U+000C"),
]


@pytest.mark.parametrize(("text", "id", "where", "what"), REFUSED)
def test_what_is_refused(text: str, id: str, where: str, what: str) -> None:
    found = problem(text)
    assert (found.id, found.where) == (id, where)
    assert what in found.what
    assert found.fix


SYNTAX = [
    ("a:\n\tb: 1\n", (2, 1), "a tab cannot indent a line"),
    ("a: 1\n\tb: 2\n", (2, 1), "a tab cannot indent a line"),
    ("seed:1\nname: x\n", (2, 5), "the line above has no space after its colon"),
    ("name: x\nseed:1\n", (2, 1), "a space after the colon"),
    ("a: [1, 2\nb: 3\n", (1, 4), "this list is not closed"),
    ("a: [1, 2", (1, 4), "this list is not closed"),
    ("a: {x: 1\nb: 3\n", (1, 4), "this mapping is not closed"),
    ('a: "abc\nb: 1\n', (1, 4), "this quote is never closed"),
    ("a: 'abc\nb: 1\n", (1, 4), "this quote is never closed"),
    ("a: b: c\n", (1, 5), "a ':' is not allowed here"),
    ("a: 1\n  b: 2\n", (2, 4), "a ':' is not allowed here"),
    ("a:\n  b: 1\n c: 2\n", (3, 2), "does not continue what is above"),
    ("a: 'x' y\n", (1, 8), "does not continue what is above"),
    ("- a\nb: 1\n", (2, 1), "another item of the list"),
    ("a: - b\n", (1, 4), "a list cannot start here"),
    ("a: @x\n", (1, 4), "cannot start with this character"),
    ("a: ]\n", (1, 4), "expected a value"),
    ("a: 1\n...\nb: 2\n", (3, 1), "the document has ended"),
    ("a: * b\n", (1, 5), "expected a name"),
    ("a: !x!y z\n", (1, 4), "not valid YAML"),
]


@pytest.mark.parametrize("loader", [reader._LOADER, yaml.SafeLoader])
@pytest.mark.parametrize(("text", "position", "what"), SYNTAX)
def test_syntax_errors_are_said_in_words(
    text: str,
    position: tuple[int, int],
    what: str,
    loader: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader, "_LOADER", loader)
    found = problem(text)
    line, column = position
    assert (found.id, found.where) == ("BP-C004", f"c.yaml:{line}:{column}")
    assert what in found.what
    assert found.fix
    assert found.detail == (text.splitlines()[line - 1], " " * (column - 1) + "^")


def test_an_unknown_escape_is_said_in_words() -> None:
    assert "no such escape" in problem('a: "C:\\data"\n').what


def test_problems_that_do_not_stop_the_reading_come_together() -> None:
    found = problems("a: 1\na: 2\nb: !x 1\nb: {c: 1e999, <<: 3}\n")
    assert [p.id for p in found] == ["BP-C016", "BP-C017", "BP-C016", "BP-C012", "BP-C014"]


def test_a_problem_behind_an_alias_comes_once() -> None:
    assert problem("a: &x {b: !t 1}\nc: [*x, *x]\n").where == "c.yaml:1:11: a.b"


ALIAS_BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20)
)
MERGE_BOMB = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 30)
)
BOMBS = {
    "alias bomb": (ALIAS_BOMB, "BP-C009"),
    "merge bomb": (MERGE_BOMB, "BP-C014"),
    "alias in its own anchor": ("a: &x [*x, *x]\n", "BP-C010"),
    "unclosed lists": ("a: " + "[" * 100_000, "BP-C010"),
    "nested lists": ("a: " + "[" * 100_000 + "]" * 100_000, "BP-C010"),
    "unclosed mappings": ("{a: " * 100_000, "BP-C010"),
    "lists and mappings": ("a: " + "[{b: " * 100_000, "BP-C010"),
    "block lists": ("- " * 100_000, "BP-C010"),
    "keys of keys": ("? " * 100_000, "BP-C013"),
    "long list": ("a: [" + "x, " * 300_000, "BP-C009"),
    "long list of unknown aliases": ("a: [" + "*x, " * 200_000, "BP-C011"),
    "directives": ("".join(f"%TAG !a{n}! x\n" for n in range(60_000)), "BP-C006"),
    "long number": ("a: " + "9" * 900_000, "BP-C012"),
    "duplicates below a long key": (f"? {'k' * 900_000}\n: {{{'a: 1, ' * 9_000}}}", "BP-C016"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_defused_within_a_second(name: str) -> None:
    text, id = BOMBS[name]
    started = time.process_time()
    assert problems(text)[0].id == id
    assert time.process_time() - started < 1


def test_the_limits_themselves_are_allowed() -> None:
    deep = parse_document("a: " + "[" * (DEEPEST - 1) + "1" + "]" * (DEEPEST - 1), "c.yaml")
    assert max(map(len, deep.marks)) == DEEPEST
    most = f"a: [{', '.join('x' * (MOST_NODES - 2))}]"  # and the root, and the list
    assert len(parse_document(most, "c.yaml").value["a"]) == MOST_NODES - 2
    assert problem(most.replace("]", ", x]")).id == "BP-C009"


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text() | st.text(alphabet="ab01.:-?[]{},&*!|>'\"%#@ \n\t~<"))
def test_any_text_is_a_value_or_a_config_error(text: str) -> None:
    try:
        parse_yaml(text, "c.yaml")
    except ConfigError as error:
        assert all(p.id and p.where and p.what and p.fix for p in error.problems)


def test_a_file_may_start_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes("\ufeffa: é\r\n".encode())
    document = read_document(path)
    assert (document.name, document.text, document.value) == (str(path), "a: é\r\n", {"a": "é"})


def unreadable(path: Path) -> Problem:
    with pytest.raises(ConfigError) as caught:
        read_document(path)
    (only,) = caught.value.problems
    return only


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name in ("missing", "fifo", "."):
        found = unreadable(tmp_path / name)
        assert (found.id, found.where) == ("BP-C001", str(tmp_path / name))
    assert unreadable(Path("/dev/zero")).what == "cannot read the config: it is not a regular file"


def test_a_missing_file_names_a_near_one(tmp_path: Path) -> None:
    (tmp_path / "iris.yaml").touch()
    assert unreadable(tmp_path / "iri.yml").what.endswith(", did you mean 'iris.yaml'?")


def test_files_that_are_too_large_or_not_text(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(b"#" * MOST_BYTES + b"\n")
    assert unreadable(path).id == "BP-C002"
    path.write_bytes("a: 1\nb: é\n".encode("latin-1"))
    found = unreadable(path)
    assert (found.id, found.where) == ("BP-C003", f"{path}:2")
    assert "0xE9" in found.what
    path.write_text("a: 1", encoding="utf-16")
    assert unreadable(path).id == "BP-C003"


def test_excerpts_of_long_lines_keep_the_caret_below_its_character() -> None:
    line, caret = excerpt("x" * 999 + "!" + "x" * 999, (1, 1000))
    assert len(line) == 200
    assert line[caret.index("^")] == "!"


def test_paths_are_shown_as_set_reads_them() -> None:
    assert path_text(("data", "columns", "emp.var.rate", 0)) == 'data.columns."emp.var.rate".0'
    assert path_text(('a"b', "", " c", "d e")) == '\'a"b\'.""." c".d e'
