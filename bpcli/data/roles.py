"""Roles: what each column is for, inferred from training rows unless the config declares it."""

from __future__ import annotations

import json
import re
from typing import Literal

import numpy as np

from bpcli.config.component import Spec
from bpcli.config.errors import DataError, Notice, Problem, did_you_mean, listing
from bpcli.data.arrays import Ints
from bpcli.data.facts import Facts, facts_of
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table

Role = Literal["numeric", "categorical", "id", "constant", "text", "drop", "target"]

_ID_NAME = re.compile(r"((^|[\s_.\-])(?i:id|index|row|uuid|key|number)|[a-z](Id|ID))$")
_PANDAS_INDEX = re.compile(r"Unnamed: \d+")
_CODES = "codes with leading zeros are categories, not numbers"
_ROW_NUMBER = "every row has its own number and the name is that of an identifier"
_TEXT_ROWS = 20  # distinct texts from which a column is no longer a list of categories
_ID_LENGTH = 40  # characters


class Column(Spec):
    """A column of the file, what it is for, and why."""

    name: str
    role: Role
    reason: str


def check_names(table: Table, spec: DataSpec) -> str:
    """The target's name; every name of the config that is not in the header is a problem."""
    target = table.names[-1] if spec.target is None else spec.target
    problems = [_no_column("BP-D020", table, n) for n in spec.columns if n not in table.names]
    if target not in table.names:
        problems.insert(0, _no_column("BP-D021", table, target, "target "))
    if target in spec.columns:
        what = f"the target {target!r} cannot have a role in data.columns"
        fix = "remove it there; to fix how it is learned, set task"
        problems.append(Problem("BP-D022", table.path.name, what, fix))
    if problems:
        raise DataError(*problems)
    return target


def _no_column(id: str, table: Table, name: str, kind: str = "") -> Problem:
    what = f"there is no {kind}column {name!r}{did_you_mean(name, table.names)}"
    return Problem(id, table.path.name, what, f"the columns are {listing(table.names)}")


def assign_roles(table: Table, spec: DataSpec, target: str, rows: Ints) -> tuple[Column, ...]:
    """The role of every column, in the order of the file, from the training rows `rows`."""
    columns = _rescue_only_feature([_column(table, spec, n, target, rows) for n in table.names])
    numeric = [column.name for column in columns if column.role == "numeric"]
    wrong = [name for name in numeric if table.cells(name).not_numbers.any()]
    if wrong:  # here or in any later row
        raise DataError(*(table.number_problem(name, _ways_out(table, name)) for name in wrong))
    if not _usable(columns):
        detail = tuple(f"{column.name!r}: {column.role}, {column.reason}" for column in columns)
        fix = "declare a column in data.columns, or add one"
        raise DataError(Problem("BP-D024", table.path.name, "no column can be used", fix, detail))
    return columns


def describe_roles(columns: tuple[Column, ...]) -> list[Notice]:
    """One notice for each reason why columns are left out or read otherwise than expected."""
    groups: dict[tuple[str, str], list[str]] = {}
    for column in columns:
        if column.role in ("id", "constant", "text") or column.reason == _CODES:
            groups.setdefault((column.role, column.reason), []).append(column.name)
    return [_notice(role, reason, names) for (role, reason), names in groups.items()]


def _notice(role: str, reason: str, names: list[str]) -> Notice:
    fix = "to use it otherwise, give it a role in data.columns"
    if role == "categorical":
        return Notice("BP-D105", listing(names), reason, fix)
    return Notice("BP-D104", listing(names), f"left out as {role}: {reason}", fix)


def _column(table: Table, spec: DataSpec, name: str, target: str, rows: Ints) -> Column:
    if name == target:
        return Column(name=name, role="target", reason="it is to be predicted")
    facts = facts_of(table.cells(name), rows)
    if name in spec.columns:
        role: Role = spec.columns[name]
        if role in ("numeric", "categorical") and not facts.present:
            return Column(name=name, role="constant", reason="every training cell is missing")
        return Column(name=name, role=role, reason="declared in data.columns")
    role, reason = _infer(facts, _is_id_name(name, first=name == table.names[0]))
    return Column(name=name, role=role, reason=reason)


def _is_id_name(name: str, *, first: bool) -> bool:
    unnamed = first and (not name or _PANDAS_INDEX.fullmatch(name))
    return bool(unnamed or _ID_NAME.search(name))


def _infer(facts: Facts, id_name: bool) -> tuple[Role, str]:
    if not facts.present:
        return "constant", "every training cell is missing"
    if facts.distinct == 1 and not facts.missing:
        return "constant", "every training cell is the same"
    if not facts.bad and not facts.codes:
        if id_name and facts.unique and facts.integers:
            return "id", _ROW_NUMBER
        return "numeric", "every cell is a number"
    if facts.nearly_numbers and not facts.codes:
        return "numeric", "nearly every cell is a number"
    return _infer_words(facts, id_name)


def _infer_words(facts: Facts, id_name: bool) -> tuple[Role, str]:
    if facts.unique and id_name:
        return "id", "every cell is different and the name is that of an identifier"
    if facts.unique and facts.present >= _TEXT_ROWS:
        tokens = all(len(word) <= _ID_LENGTH and " " not in word for word in facts.words)
        return ("id" if tokens else "text"), "every cell is a different text"
    if facts.distinct > max(_TEXT_ROWS, facts.present / 2):
        return "text", f"{facts.distinct} different texts in {facts.present} cells"
    return "categorical", _CODES if facts.codes else f"{facts.distinct} different texts"


def _usable(columns: tuple[Column, ...]) -> bool:
    return any(column.role in ("numeric", "categorical") for column in columns)


def _rescue_only_feature(columns: list[Column]) -> tuple[Column, ...]:
    """A column that counts the rows is a feature after all where there is no other."""
    counting = [column for column in columns if column.reason == _ROW_NUMBER]
    if len(counting) != 1 or _usable(tuple(columns)):
        return tuple(columns)
    rescued = {"role": "numeric", "reason": "it is the only possible feature"}
    return tuple(c.model_copy(update=rescued) if c is counting[0] else c for c in columns)


def _ways_out(table: Table, name: str) -> str:
    """The three ways out of text in a numeric column, with the most frequent word filled in."""
    cells = table.cells(name)
    counts = cells.counts(np.flatnonzero(cells.not_numbers))
    word = cells.words[int(np.argmax(counts))]
    missing = json.dumps([*table.spec.missing, word], ensure_ascii=False)
    column = json.dumps(name, ensure_ascii=False)
    return (
        f"correct the cells, or set data.missing: {missing}, "
        f"or data.columns: {{{column}: categorical}}"
    )
