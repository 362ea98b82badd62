"""The parts of a config that say how a table becomes arrays."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from bpcli.config.component import Spec
from bpcli.data.scalers import Scaler, Standard

DeclaredRole = Literal["numeric", "categorical", "id", "drop"]
Words = Annotated[tuple[str, ...], Field(strict=False)]


def _known_encoding(name: str) -> str:
    try:
        "".encode(name)
        codecs.lookup(name)
    except LookupError:
        raise PydanticCustomError(
            "invalid_value",
            "expected a text encoding such as utf-8, cp1252 or gb18030, got '{name}'",
            {"name": name},
        ) from None
    return name


class DataSpec(Spec):
    """Where the table is and how its cells are read."""

    path: Annotated[str, Field(min_length=1, description="CSV file, relative to the config")]
    target: Annotated[
        str | None, Field(description="the column to predict; the last column where omitted")
    ] = None
    columns: dict[str, DeclaredRole] = Field(
        default={}, description="roles that are not to be inferred: {name: numeric}"
    )
    delimiter: Annotated[
        str, Field(pattern=r'^[^"\r\n]$', description="the character between two cells")
    ] = ","
    encoding: Annotated[
        str, AfterValidator(_known_encoding), Field(description="text encoding of the file")
    ] = "utf-8"
    decimal: Annotated[Literal[".", ","], Field(description="the decimal sign of numbers")] = "."
    missing: Annotated[Words, Field(description="the words that mean a missing cell")] = ("",)


class SplitSpec(Spec):
    """How rows are divided into training, validation and test rows."""

    method: Annotated[
        Literal["auto", "random", "stratified"],
        Field(description="stratified keeps class shares; auto: for classes stratified"),
    ] = "auto"
    validation: Annotated[float, Field(ge=0, lt=1, description="share of validation rows")] = 0.2
    test: Annotated[float, Field(ge=0, lt=1, description="share of test rows")] = 0.2

    @model_validator(mode="after")
    def _leaves_training_rows(self) -> Self:
        if self.validation + self.test >= 1:
            raise PydanticCustomError(
                "invalid_value",
                "expected validation + test below 1, got {sum}",
                {"sum": self.validation + self.test},
            )
        return self


class PreprocessSpec(Spec):
    """How cells become numbers; everything is fitted on training rows only."""

    numeric: Annotated[Scaler, Field(description="scaling of numeric columns")] = Standard()
    target: Annotated[Scaler, Field(description="scaling of a regression target")] = Standard()
    max_levels: Annotated[
        int, Field(ge=2, description="most categories kept of a column; the others are unseen")
    ] = 100
