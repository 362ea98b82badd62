"""The contract between a table and the network's inputs: plain data, kept in the model file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from bpcli.config.component import Spec
from bpcli.data.scalers import Scaler
from bpcli.data.spec import DataSpec, Words


class Levels(Spec):
    """One-hot inputs of a categorical column; two levels that are never missing are one ∓1."""

    name: str
    levels: Words  # sorted by code point; any other word is all zeros
    missing: bool  # has an input of its own for a missing cell

    @property
    def signed(self) -> bool:
        """One input: −1 for the first level, +1 for the second, 0 for any other cell."""
        return len(self.levels) == 2 and not self.missing

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs."""
        shown = self.levels[1:] if self.signed else self.levels
        named = tuple(f"{self.name}={level}" for level in shown)
        return (*named, f"{self.name} is missing") if self.missing else named


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


class FeatureLayout(Spec):
    """Inputs in a fixed order: numbers, elapsed days, missing indicators, dates, flags, one-hot."""

    numeric: Words
    indicators: Words  # the numeric columns that had a missing cell in training
    categorical: Annotated[tuple[Levels, ...], Field(strict=False)]
    scaler: Scaler
    delimiter: str
    encoding: str
    decimal: str
    missing: Words
    header: bool = True
    dates: Annotated[tuple[DateParts, ...], Field(strict=False)] = ()
    flags: Annotated[tuple[Flag, ...], Field(strict=False)] = ()
    thousands: Literal[",", ".", " ", "'"] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a table must have."""
        return (*self.numeric, *(one.name for one in self.blocks))

    @property
    def blocks(self) -> tuple[DateParts | Flag | Levels, ...]:
        """The columns with inputs of their own kind."""
        return (*self.dates, *self.flags, *self.categorical)

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
        shapes = {"impute": (columns,), **self.scaler.shapes(columns)}
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
