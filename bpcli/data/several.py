"""The task of several targets: numbers, or yes and no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bpcli.config.errors import DataError, Problem, listing
from bpcli.data.facts import Facts

_TASKS = {"numbers": "regression", "yes and no": "multilabel"}


def infer_several(facts: Mapping[str, Facts]) -> tuple[str, str]:
    """(task, reason) of several targets; of different kinds they are a `DataError`."""
    kinds = {name: _kind(one) for name, one in facts.items() if one.distinct > 1}
    found = set(kinds.values()) or {"numbers"}  # whether each can be learned is asked later
    if len(found) > 1 or "text" in found:
        raise DataError(_mixed(kinds, _suspects(facts)))
    (kind,) = found
    return _TASKS[kind], f"Each of the {len(facts)} targets has {kind}."


def require_several(task: str, targets: tuple[str, ...]) -> None:
    """Raises DataError for a task that has one target only."""
    if len(targets) > 1 and task not in _TASKS.values():
        what = f"a {task} task has one target, data.target names {len(targets)}"
        fix = "name one, or set task: regression for numbers, multilabel for yes and no"
        raise DataError(Problem("BP-D071", "data.target", what, fix))


def _kind(facts: Facts) -> str:
    if facts.boolean:
        return "yes and no"
    return "text" if facts.bad and not facts.nearly_numbers else "numbers"


def _suspects(facts: Mapping[str, Facts]) -> list[str]:
    """Words that often mean a missing cell, in the targets that are taken for text."""
    words = [word for one in facts.values() if _kind(one) == "text" for word in one.suspects]
    return list(dict.fromkeys(words))


def _mixed(kinds: Mapping[str, str], suspects: Sequence[str]) -> Problem:
    groups = {kind: [repr(n) for n in kinds if kinds[n] == kind] for kind in kinds.values()}
    said = ", ".join(f"{kind} in {listing(names)}" for kind, names in groups.items())
    what = f"several targets must all be numbers, or all yes and no; there are {said}"
    fix = "train one network for each kind: name the targets of one kind"
    if suspects:
        listed = ", ".join(["''", *suspects])
        fix = (
            f"if {listing(suspects)} means a missing cell, set data.missing: [{listed}]; else {fix}"
        )
    if "text" not in groups:
        fix += ", or set task: regression to learn 0 and 1 as numbers"
    return Problem("BP-D070", "data.target", what, fix)
