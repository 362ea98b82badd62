"""What can go wrong for a user, as data: each failure is a list of problems and an exit code.

Nothing here formats for a terminal; `bpcli.display` renders problems, and the CLI exits with
`exit_code`. A Python exception that is not a `BpcliError` is a bug of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import ClassVar, NamedTuple, Self


class Problem(NamedTuple):
    """One thing that is wrong: what, where, and the way out."""

    id: str  # stable, never re-used: BP-C003
    where: str  # "config.yaml:6:10: optimizer.adam.beta1" or "data.csv, line 62"
    what: str  # "expected a number below 1, got 1.5"
    fix: str = ""  # one imperative sentence
    detail: tuple[str, ...] = ()  # the offending line, a caret, the first bad cells


class BpcliError(Exception):
    """A failure that the user can mend."""

    exit_code: ClassVar[int]
    consequence: str = "nothing was written"  # what is on disk now

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{p.where}: {p.what}" for p in problems))

    def __reduce__(self) -> tuple[type[Self], tuple[Problem, ...]]:
        """An error of a worker elsewhere comes back with its problems."""
        return type(self), self.problems


class ConfigError(BpcliError):
    """The config file is missing, malformed or invalid.  BP-C…"""

    exit_code = 3


class DataError(BpcliError):
    """The CSV is missing, malformed, or does not fit the config or the model.  BP-D…"""

    exit_code = 4


class ModelError(BpcliError):
    """The model file is missing, damaged, foreign or too new.  BP-M…"""

    exit_code = 5


class OutputError(BpcliError):
    """A file cannot be created or written.  BP-O…"""

    exit_code = 6


class NumericError(BpcliError):
    """A loss, gradient or weight is not finite.  BP-N…"""

    exit_code = 7


class ResourceError(BpcliError):
    """The work does not fit this machine.  BP-R…"""

    exit_code = 8


class NotMetError(BpcliError):
    """The result does not meet what the command was told to require.  BP-L…"""

    exit_code = 9


class BusyError(BpcliError):
    """Another run is using the folder.  BP-B…"""

    exit_code = 10


class Notice(NamedTuple):
    """Something the user should know that does not stop the run; kept in the run record."""

    id: str
    where: str
    what: str
    fix: str = ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?` for the nearest known word; an empty string when none is near."""
    candidates = list(known)
    near = get_close_matches(word, candidates, n=1, cutoff=0.6)
    if not near:
        by_lower = {name.lower(): name for name in candidates}
        near = [by_lower[word.lower()]] if word.lower() in by_lower else []
    return f", did you mean '{near[0]}'?" if near else ""


def listing(names: Sequence[str], most: int = 12) -> str:
    """`a, b, c` cut after `most` names, with the number that was left out."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
