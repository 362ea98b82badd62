"""What is found out about each column by itself: here, or wherever someone has it done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from bpcli.data.arrays import Ints
from bpcli.data.table import Table

Result = TypeVar("Result")
Names = tuple[str, ...]
Look = Callable[[Table, Names, Ints], Result]


class Each(Protocol):
    """Calls `look(table, names, rows)` for each of the columns, and gives what comes of it.

    The results are in the order of the columns. Those that a look needs are named together; it can
    be pickled and raises nothing of its own, so that one column does not hide another.
    """

    def __call__(
        self,
        look: Look[Result],
        table: Table,
        columns: Sequence[Names],
        rows: Ints,
    ) -> list[Result]: ...


def here(look: Look[Result], table: Table, columns: Sequence[Names], rows: Ints) -> list[Result]:
    """One after another."""
    return [look(table, names, rows) for names in columns]
