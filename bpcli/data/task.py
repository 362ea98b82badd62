"""The task that a target asks for, and whether it can be learned at all."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.config.errors import DataError, Problem, listing
from bpcli.data.facts import Facts, facts_of, outline_of
from bpcli.data.several import infer_several, require_several
from bpcli.data.table import Table
from bpcli.data.targets.labels import label_problems
from bpcli.data.without_target import CLUSTERING

_FEW_CLASSES = 20  # distinct whole numbers that still look like classes …
_ROWS_PER_CLASS = 20  # … if each stands for this many rows,
_TINY = (10, 50)  # … or if they are this few in this many rows


def infer_task(
    table: Table, targets: tuple[str, ...], task: str = "auto", *, learns: str = ""
) -> tuple[str, str]:
    """(task, reason); the user's own task wins over the inferred one.

    Where the loss `learns` numbers, whole numbers are not taken for classes.
    """
    if not targets:
        if task == "auto":
            return CLUSTERING, "The loss is for clusters."
        return task, "The config sets the task."
    facts = {name: outline_of(table.cells(name)) for name in targets}
    if task != "auto":
        reason = "The config sets the task."
    elif learns == "numbers" and not any(one.bad for one in facts.values()):
        task, reason = "regression", "The target is numeric, and the loss is for numbers."
    elif len(targets) == 1:
        task, reason = _infer(facts[targets[0]])
    else:
        task, reason = infer_several(facts)
    require_several(task, targets)
    if task != "regression":
        facts = {name: facts_of(table.cells(name)) for name in targets}
    problems = [p for name, one in facts.items() for p in _problems(table, name, task, one)]
    if problems:
        raise DataError(*problems)
    return task, reason


def _infer(facts: Facts) -> tuple[str, str]:
    if facts.bad and not facts.nearly_numbers:
        task = "binary" if facts.distinct == 2 else "multiclass"
        return task, f"The target is text with {facts.distinct} different values."
    if not facts.bad and facts.codes:
        task = "binary" if facts.distinct == 2 else "multiclass"
        return task, f"The target is {facts.distinct} different codes with leading zeros."
    if not facts.bad and facts.integers and facts.distinct == 2:
        return "binary", "The target has exactly two values, both whole numbers."
    if not facts.bad and facts.integers and _few(facts.distinct, facts.present):
        what = f"{facts.distinct} different whole numbers in {facts.present} rows"
        return "multiclass", f"The target has only {what}; set task: regression for amounts."
    return "regression", f"The target is numeric with {facts.distinct} different values."


def _few(distinct: int, rows: int) -> bool:
    return (distinct <= _FEW_CLASSES and distinct * _ROWS_PER_CLASS <= rows) or (
        distinct <= _TINY[0] and rows >= _TINY[1]
    )


def _problems(table: Table, target: str, task: str, facts: Facts) -> Iterator[Problem]:
    """Why the target cannot be learned; counts and lines included."""
    where, column = table.path.name, f"target column {target!r}"
    if not facts.present:
        what = f"{column}: all {facts.missing} cells are missing"
        yield Problem("BP-D040", where, what, "set data.target to another column")
    elif task == "regression" and facts.bad:
        fix = "correct the cells, name the words that mean missing in data.missing, or set task"
        yield table.number_problem(target, fix)
    elif facts.distinct == 1:
        what = f"{column}: all {facts.present} cells are {facts.words[0][:80]!r}"
        yield Problem("BP-D041", where, what, "set data.target to another column")
    elif task == "multilabel":
        yield from label_problems(table, target)
    elif task == "regression":
        return
    elif facts.distinct < len(facts.words):
        what = f"{column}: the same number is written in two ways: {_shares(facts)}"
        yield Problem("BP-D046", where, what, "write each class in one way")
    elif task == "binary" and facts.distinct != 2:
        what = f"{column}: a binary task needs two classes, there are {_shares(facts)}"
        yield Problem("BP-D043", where, what, "set task: multiclass, or merge classes")
    elif facts.unique and facts.present > 2:
        what = f"{column}: each of the {facts.present} cells is a class of its own"
        yield Problem("BP-D047", where, what, "set data.target to another column, or set task")


def _shares(facts: Facts) -> str:
    """`12 (5 rows), 13 (1 row)`"""
    pairs = zip(facts.words, facts.counts.tolist(), strict=True)
    ranked = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
    return listing([f"{word[:80]!r} ({count})" for word, count in ranked])
