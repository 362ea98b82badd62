"""The contract between a table and the network's inputs: plain data, kept in the model file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from bpcli.config.component import Spec
from bpcli.data.scalers import Scaler
from bpcli.data.spec import DataSpec, Words


class Levels(Spec):
    """A column of categories.  Any word that is none of them is the unseen category."""

    name: str
    levels: Words  # sorted by code point
    missing: bool  # a missing cell is a category of its own; otherwise it is the unseen one

    @property
    def slots(self) -> int:
        """The categories: the levels and, where training had one, the missing cell."""
        return len(self.levels) + self.missing


class OneHot(Levels):
    """An input for each category, the last one for the unseen; two levels are one ∓1 and that."""

    @property
    def signed(self) -> bool:
        """One input for both levels: −1 for the first, +1 for the second."""
        return len(self.levels) == 2 and not self.missing

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs."""
        shown = self.levels[1:] if self.signed else self.levels
        named = tuple(f"{self.name}={level}" for level in shown)
        gap = (f"{self.name} is missing",) if self.missing else ()
        return (*named, *gap, f"{self.name} is unseen")


class Coded(Levels):
    """One input, the number of the category from 1, for a learned vector; 0 is the unseen one."""

    room: int = 0  # vectors at least: those of the whole table, where this is of one of its folds

    @property
    def vectors(self) -> int:
        """One for each category and the unseen one."""
        return max(1 + self.slots, self.room)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The name of the input."""
        return (self.name,)


class Flag(Spec):
    """A column of yes and no: one input, +1 or −1, and 0 for any other cell."""

    name: str
    missing: bool  # has an input of its own for a missing cell

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs."""
        return (self.name, f"{self.name} is missing") if self.missing else (self.name,)


Cycle = Literal["day of year", "weekday", "hour"]


class DateParts(Spec):
    """A column of dates: elapsed days, scaled like a number, and the parts that come round."""

    name: str
    format: str
    origin: float  # the first training date, in days since 1970-01-01
    elapsed: bool  # has an input for the days since then
    cycles: Annotated[tuple[Cycle, ...], Field(strict=False)]  # a sine and a cosine each
    missing: bool  # has an input of its own for a missing cell

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs beside the elapsed days."""
        waves = tuple(f"{self.name}: {c} {wave}" for c in self.cycles for wave in ("sin", "cos"))
        return (*waves, f"{self.name} is missing") if self.missing else waves


Block = DateParts | Flag | OneHot | Coded
Forms = Mapping[str, OneHot | Coded]  # of the whole table, which its folds go by


class FeatureLayout(Spec):
    """Inputs in a fixed order: numbers, elapsed days, missing indicators, dates, flags, categories.

    One-hot categories stand before those with a code.
    """

    numeric: Words
    indicators: Words  # the numeric columns that had a missing cell in training
    one_hot: Annotated[tuple[OneHot, ...], Field(strict=False)]
    coded: Annotated[tuple[Coded, ...], Field(strict=False)]
    scaler: Scaler
    delimiter: str
    encoding: str
    decimal: str
    missing: Words
    header: bool
    dates: Annotated[tuple[DateParts, ...], Field(strict=False)]
    flags: Annotated[tuple[Flag, ...], Field(strict=False)]
    thousands: Literal[",", ".", " ", "'"] | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a table must have."""
        return (*self.numeric, *(one.name for one in self.blocks))

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The columns with inputs of their own kind."""
        return (*self.dates, *self.flags, *self.categorical)

    @property
    def categorical(self) -> tuple[OneHot | Coded, ...]:
        """The columns of categories; their inputs are the last ones."""
        return (*self.one_hot, *self.coded)

    @property
    def forms(self) -> Forms:
        """The columns of categories by name."""
        return {one.name: one for one in self.categorical}

    @property
    def scaled(self) -> tuple[str, ...]:
        """The names of the inputs that the scaler scales."""
        return (*self.numeric, *(f"{one.name}: days" for one in self.dates if one.elapsed))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the I inputs."""
        indicators = (f"{name} is missing" for name in self.indicators)
        return (*self.scaled, *indicators, *(n for one in self.blocks for n in one.inputs))

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the fitted tensors."""
        columns = len(self.scaled)
        own = dict.fromkeys(("impute", "lowest", "highest", "deviation"), (columns,))
        shapes = {**own, **self.scaler.shapes(columns)}
        return {f"feature.{name}": shape for name, shape in shapes.items()}

    def reading(self, path: str, dialect: Mapping[str, str]) -> DataSpec:
        """How another file must be read to mean the same; what `dialect` says is its own way.

        Raises ValidationError for a dialect that cannot be.
        """
        return DataSpec.model_validate(
            {
                "path": path,
                "delimiter": self.delimiter,
                "encoding": self.encoding,
                "decimal": self.decimal,
                "missing": self.missing,
                "header": self.header,
                "thousands": self.thousands,
                **dialect,
            }
        )
