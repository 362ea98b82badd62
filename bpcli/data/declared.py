"""The roles that a config can give a column; adding one is one class here and its encoding."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from bpcli.config.component import Component
from bpcli.data.dates import check_format


def _known_format(format: str) -> str:
    try:
        return check_format(format)
    except ValueError as error:
        raise PydanticCustomError("invalid_value", "{what}", {"what": str(error)}) from None


class DeclaredRole(Component):
    """What a column is for, where that is not to be inferred."""

    family: ClassVar[str] = "role"


class Numeric(DeclaredRole):
    """A number: scaled, with the median where it is missing and an input that says so."""

    name: ClassVar[str] = "numeric"


class Categorical(DeclaredRole):
    """One of several words: one input for each, all zero for a word that training had not."""

    name: ClassVar[str] = "categorical"


class Boolean(DeclaredRole):
    """true/false, yes/no, y/n, t/f or 1/0 in any case: one input, +1 or −1, and 0 for neither."""

    name: ClassVar[str] = "boolean"


class Date(DeclaredRole):
    """A date: days since the first training date, and sine and cosine of its cyclic parts.

    The parts are the day of the year, the weekday and, with a time, the hour; each is there where
    it varies in the training rows. A date with an offset, such as +02:00, is read in UTC.
    """

    name: ClassVar[str] = "date"
    format: Annotated[
        str | None,
        AfterValidator(lambda format: format if format is None else _known_format(format)),
        Field(
            description="%Y or %y, %m or %b (an English name), %d, %H, %M, %S, %z, and the text "
            "between them; default: found from the cells"
        ),
    ] = None


class Id(DeclaredRole):
    """A name of the row: no input, copied into predictions."""

    name: ClassVar[str] = "id"


class Drop(DeclaredRole):
    """Not used."""

    name: ClassVar[str] = "drop"
