"""Roles: what each column is for, inferred from training rows unless the config declares it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Literal

import numpy as np

from bpcli.config.component import Spec
from bpcli.config.errors import DataError, Notice, Problem, did_you_mean, listing
from bpcli.data.arrays import Flags, Ints
from bpcli.data.declared import Date
from bpcli.data.each import Each, Names, here
from bpcli.data.facts import SUSPECTS, Facts, facts_of, outline_of
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table

Role = Literal[
    "numeric",
    "categorical",
    "boolean",
    "date",
    "id",
    "constant",
    "text",
    "drop",
    "target",
    "weight",
    "group",
    "split",
    "label",
]
DECLARED = "declared in data.columns"
INPUT_ROLES: tuple[Role, ...] = ("numeric", "date", "boolean", "categorical")

_OWN: tuple[Role, ...] = ("weight", "split", "group", "label")

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


def check_names(table: Table, spec: DataSpec, *, unsupervised: bool = False) -> tuple[str, ...]:
    """The targets' names; every name of the config that is not in the header is a problem."""
    targets = spec.targets or (() if unsupervised else table.names[-1:])
    problems = [_no_column("BP-D020", table, n) for n in spec.columns if n not in table.names]
    for key, name in spec.own_columns.items():
        if name not in table.names:
            problems.append(_no_column("BP-D020", table, name, f"{key} "))
        elif name in targets and key != "time":
            what = f"the target {name!r} cannot be data.{key} too"
            problems.append(Problem("BP-D022", table.path.name, what, f"correct data.{key}"))
    problems[:0] = [
        _no_column("BP-D021", table, name, "target ") for name in targets if name not in table.names
    ]
    for target in spec.columns.keys() & set(targets):
        what = f"the target {target!r} cannot have a role in data.columns"
        fix = "remove it there; to fix how it is learned, set task"
        problems.append(Problem("BP-D022", table.path.name, what, fix))
    problems += _label_problems(table, spec, unsupervised)
    if problems:
        raise DataError(*problems)
    return targets


def _label_problems(table: Table, spec: DataSpec, unsupervised: bool) -> Iterator[Problem]:
    """Why there cannot be such a target or label: known groups are never learned from."""
    where, name = table.path.name, spec.label
    if unsupervised and spec.targets:
        what = f"what is learned without a target has none, data.target is {listing(spec.targets)}"
        fix = "remove it; to compare clusters with known groups, name their column in data.label"
        yield Problem("BP-D190", where, what, fix)
    if name is None:
        return
    if not unsupervised:
        what = f"data.label: {name!r} is for tasks without a target, and this one has data.target"
        yield Problem("BP-D191", where, what, "remove it, or set task: clustering")
    role = spec.columns.get(name)
    if role is not None and role.name in INPUT_ROLES:
        what = f"the label {name!r} is declared an input in data.columns ({role.name})"
        fix = "remove it there, or remove data.label: nothing is to be learned from it"
        yield Problem("BP-D192", where, what, fix)


def _no_column(id: str, table: Table, name: str, kind: str = "") -> Problem:
    what = f"there is no {kind}column {name!r}{did_you_mean(name, table.names)}"
    return Problem(id, table.path.name, what, f"the columns are {listing(table.names)}")


def assign_roles(
    table: Table, spec: DataSpec, targets: tuple[str, ...], rows: Ints, each: Each = here
) -> tuple[Column, ...]:
    """The role of every column, in the order of the file, from the training rows `rows`."""
    look = partial(_looked_at, spec=spec, targets=targets)
    found = each(look, table, [(name,) for name in table.names], rows)
    columns = _rescue_only_feature([column for column, _ in found])
    wrong = dict(zip(table.names, (problems for _, problems in found), strict=True))
    inputs = [column for column in columns if column.role in INPUT_ROLES]
    inputs.sort(key=lambda column: column.role != "numeric")  # numbers are told of first
    if problems := [problem for column in inputs for problem in wrong[column.name]]:
        raise DataError(*problems)
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


def describe_dates(table: Table, columns: tuple[Column, ...]) -> list[Notice]:
    """The columns whose dates were read in an order of day and month that only the cells show."""
    notices = []
    for column in columns:
        guess = table.date_guess(column.name) if column.role == "date" else None
        if guess and not guess.formats[0].startswith("%Y") and not _has_format(table, column.name):
            shown = f", as {guess.decided_by!r} shows" if guess.decided_by else ""
            what = f"read as dates {guess.formats[0]}{shown}"
            fix = f"to fix it, set {_as_date(column.name, guess.formats[0])}"
            notices.append(Notice("BP-D118", column.name, what, fix))
    return notices


def _has_format(table: Table, name: str) -> bool:
    role = table.spec.columns.get(name)
    return isinstance(role, Date) and role.format is not None


def _as_date(name: str, format: str) -> str:
    return f"data.columns: {{{json.dumps(name, ensure_ascii=False)}: {{date: {format!r}}}}}"


def date_problem(table: Table, name: str, format: str, fix: str) -> Problem:
    """The first cells of a column that are no dates, each with its line."""
    wrong = table.not_dates(name, format)
    return table.cell_problem("BP-D017", name, wrong, f"dates {format}", fix)


def date_problems(table: Table, name: str) -> list[Problem]:
    """Why a column cannot be read as dates."""
    guess = table.date_guess(name)
    if not guess.formats:
        what = f"column {name!r}: its dates have none of the usual formats"
        fix = f"name the format: {_as_date(name, '%d/%m/%Y')}"
        return [Problem("BP-D025", table.path.name, what, fix)]
    if len(guess.formats) > 1:
        row = int(np.argmax(table.cells(name).codes >= 0))
        what = f"column {name!r}: day or month may be first, as in {table.word(name, row)!r}"
        fix = "set " + " or ".join(_as_date(name, format) for format in guess.formats)
        return [Problem("BP-D025", table.where(row), what, fix)]
    if table.not_dates(name, guess.formats[0]).any():
        fix = _ways_out(table, name, table.not_dates(name, guess.formats[0]))
        return [date_problem(table, name, guess.formats[0], fix)]
    return []


def _number_problems(table: Table, name: str) -> list[Problem]:
    if not table.cells(name).not_numbers.any():
        return []
    return [table.number_problem(name, _ways_out(table, name))]


def _boolean_problems(table: Table, name: str) -> list[Problem]:
    cells = table.cells(name)
    wrong = np.append(np.isnan(cells.truth), False)[cells.codes]
    if not wrong.any():
        return []
    fix = _ways_out(table, name, wrong)
    return [table.cell_problem("BP-D018", name, wrong, "true or false, yes or no, 1 or 0", fix)]


def decimal_commas(table: Table) -> list[str]:
    """The columns read as text whose cells would be numbers with a comma as decimal sign."""
    words = [name for name in table.names if not table.cells(name).plain]
    return [name for name in words if facts_of(table.cells(name)).decimal_commas]


def describe_commas(table: Table) -> list[Notice]:
    """That they are read as text, since the decimal sign is another one."""
    columns = decimal_commas(table)
    if not columns:
        return []
    what = f"numbers with a decimal comma are read as text, in columns {listing(columns)}"
    return [Notice("BP-D123", table.path.name, what, 'set data.decimal: ","')]


def describe_suspects(table: Table, columns: tuple[Column, ...]) -> list[Notice]:
    """The words in text columns that may mean a missing cell; nobody but the user knows."""
    asked: dict[str, list[str]] = {}
    for column in columns:
        if column.role in ("categorical", "target"):
            facts = outline_of(table.cells(column.name))
            for word, count in facts.suspects.items():
                asked.setdefault(word, []).append(f"{column.name!r} ({count})")
    return [
        Notice(
            "BP-D117",
            table.path.name,
            f"{word!r} is read as text like any other, in {listing(places)} cells",
            f"if it means a missing cell, set data.missing: {_missing(table, word)}",
        )
        for word, places in asked.items()
    ]


def _missing(table: Table, *words: str) -> str:
    return json.dumps([*table.spec.missing, *words], ensure_ascii=False)


def _notice(role: str, reason: str, names: list[str]) -> Notice:
    fix = "to use it otherwise, give it a role in data.columns"
    if role == "categorical":
        return Notice("BP-D105", listing(names), reason, fix)
    return Notice("BP-D104", listing(names), f"left out as {role}: {reason}", fix)


def _looked_at(
    table: Table, names: Names, rows: Ints, spec: DataSpec, targets: tuple[str, ...]
) -> tuple[Column, list[Problem]]:
    """A column, and what is wrong with it as an input, in the training rows or in any later one."""
    (name,) = names
    column = _column(table, spec, name, targets, rows)
    if column.role == "numeric" or column.reason == _ROW_NUMBER:  # which may be the only feature
        return column, _number_problems(table, name)
    if column.role == "date":
        return column, date_problems(table, name)
    if column.role == "boolean" and name in spec.columns:
        return column, _boolean_problems(table, name)
    return column, []


def _column(
    table: Table, spec: DataSpec, name: str, targets: tuple[str, ...], rows: Ints
) -> Column:
    if name in targets:
        return Column(name=name, role="target", reason="it is to be predicted")
    for key in _OWN:
        if spec.own_columns.get(key) == name and (key != "group" or name not in spec.columns):
            return Column(name=name, role=key, reason=f"it is data.{key}")
    facts = outline_of(table.cells(name), rows)
    if name in spec.columns:
        role: Role = spec.columns[name].name  # type: ignore[assignment]  # a subset of ours
        if role in INPUT_ROLES and not facts.present:
            return Column(name=name, role="constant", reason="every training cell is missing")
        if role == "date" and facts.distinct == 1 and not facts.missing:
            return Column(name=name, role="constant", reason="every training cell is the same")
        return Column(name=name, role=role, reason=DECLARED)
    id_name = is_id_name(name, first=name == table.names[0])
    role, reason = _infer(facts, id_name) or (
        ("date", "its cells are dates")
        if facts.nearly(_dates(table, name, rows))
        else _infer_words(facts, id_name)
    )
    if role == "boolean":
        role, reason = _confirmed(table, name, reason)
    return Column(name=name, role=role, reason=reason)


def _confirmed(table: Table, name: str, reason: str) -> tuple[Role, str]:
    """Boolean, unless another row holds what means neither yes nor no: then a declared boolean, as
    in the resolved config or in other folds, would be refused for a cell that was let through here.
    """
    cells = table.cells(name)
    if not np.isnan(cells.truth).any():
        return "boolean", reason
    if np.isnan(cells.values).any():
        return "categorical", "training cells mean yes or no, others do not"
    return "numeric", "training cells are 0 or 1, others are other numbers"


def _dates(table: Table, name: str, rows: Ints) -> int:
    """The cells of the rows that are dates."""
    formats = table.date_guess(name).formats
    return int((~np.isnan(table.days(name, formats[0])[rows])).sum()) if formats else 0


def is_id_name(name: str, *, first: bool = False) -> bool:
    """Whether a column is called like an identifier; the first one may have no name."""
    unnamed = first and (not name or _PANDAS_INDEX.fullmatch(name))
    return bool(unnamed or _ID_NAME.search(name))


def _infer(facts: Facts, id_name: bool) -> tuple[Role, str] | None:
    """Role and reason of a column of numbers or of yes and no; None where it is neither."""
    if not facts.present:
        return "constant", "every training cell is missing"
    if facts.distinct == 1 and not facts.missing:
        return "constant", "every training cell is the same"
    if facts.boolean and not (id_name and facts.unique):
        return "boolean", "every cell means yes or no"
    if not facts.bad and not facts.codes:
        if id_name and facts.unique and facts.integers:
            return "id", _ROW_NUMBER
        return "numeric", "every cell is a number"
    if facts.nearly_numbers and not facts.codes:
        return "numeric", "nearly every cell is a number"
    return None


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
    return any(column.role in INPUT_ROLES for column in columns)


def _rescue_only_feature(columns: list[Column]) -> tuple[Column, ...]:
    """A column that counts the rows is a feature after all where there is no other."""
    counting = [column for column in columns if column.reason == _ROW_NUMBER]
    if len(counting) != 1 or _usable(tuple(columns)):
        return tuple(columns)
    rescued = {"role": "numeric", "reason": "it is the only possible feature"}
    return tuple(c.model_copy(update=rescued) if c is counting[0] else c for c in columns)


def _ways_out(table: Table, name: str, wrong: Flags | None = None) -> str:
    """The three ways out of wrong cells in a column, with the words most likely meant."""
    cells = table.cells(name)
    counts = cells.counts(np.flatnonzero(cells.not_numbers if wrong is None else wrong))
    common = cells.words[int(np.argmax(counts))]
    words = [cells.words[i] for i in np.flatnonzero(counts) if cells.words[i] in SUSPECTS]
    words = words or [common]
    missing = _missing(table, *words)
    column = json.dumps(name, ensure_ascii=False)
    return (
        f"correct the cells, or set data.missing: {missing}, "
        f"or data.columns: {{{column}: categorical}}"
    )
