"""The parts of a config that say how a table becomes arrays."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from bpcli.config.component import Spec
from bpcli.data.bins import Bins
from bpcli.data.declared import DeclaredRole
from bpcli.data.scalers import Scaler, Standard
from bpcli.nn.numbers import NumericEmbedding, Piecewise

AUTO = "auto"
Words = Annotated[tuple[str, ...], Field(strict=False)]


def _known_encoding(name: str) -> str:
    if name == AUTO:
        return name
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

    path: Annotated[
        str,
        Field(
            description="CSV or Parquet file, relative to the config, or several of one table by a "
            "pattern such as part-*.csv; or give train"
        ),
    ] = ""
    train: Annotated[
        str | None,
        Field(
            min_length=1,
            description="CSV file of the training rows, in place of path; sets without a file of "
            "their own are taken from it as split says",
        ),
    ] = None
    validation: Annotated[
        str | None, Field(min_length=1, description="CSV file of the validation rows")
    ] = None
    test: Annotated[str | None, Field(min_length=1, description="CSV file of the test rows")] = None
    target: Annotated[
        str | Annotated[Words, Field(min_length=1)] | None,
        Field(
            description="the column to predict, or a list of them, all numbers or all yes and no; "
            "the last column where omitted"
        ),
    ] = None
    columns: dict[str, DeclaredRole] = Field(
        default={},
        description="roles that are not to be inferred: {name: numeric}, or categorical, "
        'boolean, date, id, drop; a date can name its format: {name: {date: "%d/%m/%Y"}}',
    )
    header: Annotated[
        bool,
        Field(description="the first row names the columns; if false they are called c1, c2, …"),
    ] = True
    weight: Annotated[
        str | None,
        Field(description="column of row weights, 0 or more; no input"),
    ] = None
    group: Annotated[
        str | None,
        Field(
            description="column whose values never cross sets, e.g. a patient; no input unless "
            "columns gives it a role"
        ),
    ] = None
    time: Annotated[
        str | None,
        Field(description="column of numbers or dates: the oldest rows train, the newest test"),
    ] = None
    split: Annotated[
        str | None,
        Field(description="column of the words train, validation, test, calibration; no input"),
    ] = None
    label: Annotated[
        str | None,
        Field(
            description="for clustering: column of known groups, which clusters are compared with "
            "once they are found; no input"
        ),
    ] = None
    delimiter: Annotated[
        str,
        Field(
            pattern=r'^([^"\r\n]|auto)$',
            description="the character between two cells; auto: a comma, or what the first "
            "rows show, which is then said",
        ),
    ] = AUTO
    encoding: Annotated[
        str,
        AfterValidator(_known_encoding),
        Field(
            description="text encoding of the file; auto: utf-8, utf-16 by its mark, else cp1252 "
            "where every byte fits, which is then said"
        ),
    ] = AUTO
    decimal: Annotated[Literal[".", ","], Field(description="the decimal sign of numbers")] = "."
    thousands: Annotated[
        Literal[",", ".", " ", "'"] | None,
        Field(description="the sign between groups of three digits, as in 1,234,567"),
    ] = None
    missing: Annotated[Words, Field(description="the words that mean a missing cell")] = ("",)
    cache: Annotated[
        Literal["auto"] | bool,
        Field(
            description="for train: true reads the table from files beside the run, to which it is "
            "converted once, and needs little memory; auto does so where memory cannot hold it; "
            "the results are the same"
        ),
    ] = "auto"

    @property
    def files(self) -> dict[str, str]:
        """The paths by key: path, or train with validation and test where they are given."""
        paths = {key: getattr(self, key) for key in ("path", "train", "validation", "test")}
        return {key: path for key, path in paths.items() if path}

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns to predict; none where that is left open."""
        if self.target is None:
            return ()
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def own_columns(self) -> dict[str, str]:
        """The columns with a purpose of their own, by key."""
        keys = ("weight", "group", "split", "time", "label")
        named = {key: getattr(self, key) for key in keys}
        return {key: name for key, name in named.items() if name is not None}

    @model_validator(mode="after")
    def _has_files(self) -> Self:
        keys = list(self.files)
        if keys != ["path"] and keys[:1] != ["train"]:
            raise PydanticCustomError(
                "invalid_value",
                "expected either path, or train with validation and test, got {keys}",
                {"keys": " and ".join(keys) or "neither"},
            )
        return self

    @model_validator(mode="after")
    def _targets_differ(self) -> Self:
        twice = [name for i, name in enumerate(self.targets) if name in self.targets[:i]]
        if twice:
            raise PydanticCustomError(
                "invalid_value",
                "expected each target once, '{name}' is there twice",
                {"name": twice[0]},
            )
        return self

    @model_validator(mode="after")
    def _signs_differ(self) -> Self:
        if self.thousands == self.decimal:
            raise PydanticCustomError(
                "invalid_value",
                "expected thousands and decimal to differ, both are '{sign}'",
                {"sign": self.decimal},
            )
        return self


class SplitSpec(Spec):
    """How rows are divided into training, validation and test rows."""

    method: Annotated[
        Literal["auto", "random", "stratified", "group", "time", "column"],
        Field(
            description="stratified keeps class shares, of labels by the rarest of a row's labels; "
            "group, time and column are by data.group, data.time and data.split; auto: by such a "
            "column, else stratified for classes and labels"
        ),
    ] = "auto"
    validation: Annotated[float, Field(ge=0, lt=1, description="share of validation rows")] = 0.2
    test: Annotated[float, Field(ge=0, lt=1, description="share of test rows")] = 0.2
    calibration: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="share of rows that nothing but the width of predict --interval is taken "
            "from; with 0 that is the validation rows, which may have chosen the epoch",
        ),
    ] = 0.0
    train_on_validation: Annotated[
        bool,
        Field(
            description="move the validation rows to the training rows, for a last training when "
            "all is chosen; test rows stay"
        ),
    ] = False
    folds: Annotated[
        int,
        Field(
            ge=2,
            description="for lr-sweep and cv: so many times another part of the rows that do not "
            "test is held out; by the same method, in time the part after those trained on",
        ),
    ] = 5
    repeats: Annotated[
        int, Field(ge=1, description="for lr-sweep and cv: rounds of folds, each divided anew")
    ] = 1

    @model_validator(mode="after")
    def _leaves_training_rows(self) -> Self:
        total = sum(self.shares.values())
        if total >= 1:
            raise PydanticCustomError(
                "invalid_value",
                "expected validation + test + calibration below 1, got {sum}",
                {"sum": total},
            )
        return self

    @property
    def shares(self) -> dict[str, float]:
        """The shares of the sets that are held out, by name."""
        return {
            "validation": self.validation,
            "test": self.test,
            "calibration": self.calibration,
        }


class CategoricalSpec(Spec):
    """One-hot inputs for a few categories, a learned vector for each of many."""

    one_hot: Annotated[
        int,
        Field(ge=1, description="a column of up to so many categories is one-hot, others embedded"),
    ] = 8
    width: Annotated[
        Annotated[int, Field(ge=1, le=10_000)] | Literal["auto"],
        Field(description="numbers in each vector; auto: 1.6 K^0.56 for K categories, at most 100"),
    ] = 8
    max_levels: Annotated[
        int,
        Field(
            ge=2, le=1_000_000, description="most categories kept of a column; others are unseen"
        ),
    ] = 10_000
    unseen: Annotated[
        float,
        Field(
            gt=0,
            lt=1,
            description="share of training cells, drawn anew in each update, that count as unseen, "
            "so that the unseen category is trained",
        ),
    ] = 0.01

    def width_of(self, levels: int) -> int:
        """The numbers in each vector of a column of so many categories."""
        return min(100, round(1.6 * levels**0.56)) if self.width == "auto" else self.width


class PreprocessSpec(Spec):
    """How cells become numbers; everything is fitted on training rows only."""

    numeric: Annotated[
        Scaler | None,
        Field(
            description="scaling of numeric columns; default: the preset's; standard for a network "
            "of your own"
        ),
    ] = None
    numeric_embedding: Annotated[
        NumericEmbedding | None,
        Field(
            description="learned functions of each number: periodic, or piecewise, which counts "
            "quantile bins in place of preprocess.numeric; default: the numbers as they are"
        ),
    ] = None
    target: Annotated[
        Scaler | None,
        Field(
            description="scaling of each regression target; default: standard, and none for a loss "
            "that needs the target's own units, such as poisson"
        ),
    ] = None
    categorical: Annotated[CategoricalSpec, Field(description="inputs of categories")] = (
        CategoricalSpec()
    )

    @property
    def scaler(self) -> Scaler:
        """What scales the numbers."""
        if isinstance(self.numeric_embedding, Piecewise):
            return Bins(bins=self.numeric_embedding.most)
        return self.numeric or Standard()

    @model_validator(mode="after")
    def _columns_have_any_sign(self) -> Self:
        if self.numeric is not None and self.numeric.positive:
            raise PydanticCustomError(
                "invalid_value",
                "expected a scaler for numbers of any sign in preprocess.numeric, got '{name}'",
                {"name": self.numeric.name},
            )
        return self
