"""The contract between a table and the network's inputs: plain data, kept in the model file."""

from __future__ import annotations

from typing import Annotated

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


class FeatureLayout(Spec):
    """Inputs in a fixed order: numeric columns, their missing indicators, one-hot columns."""

    numeric: Words
    indicators: Words  # the numeric columns that had a missing cell in training
    categorical: Annotated[tuple[Levels, ...], Field(strict=False)]
    scaler: Scaler
    delimiter: str
    encoding: str
    decimal: str
    missing: Words

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a table must have."""
        return (*self.numeric, *(one.name for one in self.categorical))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the I inputs."""
        indicators = (f"{name} is missing" for name in self.indicators)
        return (*self.numeric, *indicators, *(n for one in self.categorical for n in one.inputs))

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the fitted tensors."""
        names = ("impute", *self.scaler.tensors())
        return {f"feature.{name}": (len(self.numeric),) for name in names}

    def reading(self, path: str) -> DataSpec:
        """How another file must be read to mean the same."""
        return DataSpec.model_validate(
            {
                "path": path,
                "delimiter": self.delimiter,
                "encoding": self.encoding,
                "decimal": self.decimal,
                "missing": self.missing,
            }
        )
