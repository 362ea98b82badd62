"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fractions import Fraction

ConfigFile = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="YAML file that describes the experiment.")
]
Run = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run folder, or a model.safetensors file.")
]
Data = Annotated[Path, typer.Argument(metavar="DATA", help="CSV file; - reads standard input.")]
Set = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Override a key of the config, e.g. --set optimizer.adam.beta2=0.95; may be repeated.",
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="The same as --set seed=N.")]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, help="The same as --set threads=N.")
]
Force = Annotated[
    bool, typer.Option("--force", "-f", help="Replace the files of an earlier run or result.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Delimiter = Annotated[
    str | None,
    typer.Option("--delimiter", help="Character between cells, or auto.  [default: as trained]"),
]
Encoding = Annotated[
    str | None, typer.Option("--encoding", help="Text encoding, or auto.  [default: as trained]")
]
Decimal = Annotated[
    str | None, typer.Option("--decimal", help="Decimal sign of numbers.  [default: as trained]")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Verbose = Annotated[
    int, typer.Option("--verbose", "-v", count=True, show_default=False, help="Say more.")
]


Interval = Annotated[
    float | None,
    typer.Option(
        "--interval",
        metavar="LEVEL",
        help="Intervals, or sets of classes, that hold this share of new rows, e.g. 0.9.",
    ),
]


def assignments(sets: list[str], seed: int | None, threads: int | None) -> list[str]:
    """--set, --seed and --threads as one list of PATH=VALUE, the short options last."""
    short = {"seed": seed, "threads": threads}
    return [*sets, *(f"{key}={value}" for key, value in short.items() if value is not None)]


def given(values: Mapping[str, object]) -> list[str]:
    """The words of the options that were given: {--option: value, True or nothing}."""
    used = [(option, value) for option, value in values.items() if value]
    return [str(word) for both in used for word in both if word is not True]


def words(command: str, config: Path, assignments: list[str], *others: str) -> list[str]:
    """The words of a command line."""
    sets = (word for one in assignments for word in ("--set", one))
    return ["bpcli", command, str(config), *others, *sets]


def dialect(delimiter: str | None, encoding: str | None, decimal: str | None) -> dict[str, str]:
    """--delimiter, --encoding and --decimal where they are given; a written \\t is a tab."""
    tab = None if delimiter is None else delimiter.replace("\\t", "\t")
    given = {"delimiter": tab, "encoding": encoding, "decimal": decimal}
    return {key: value for key, value in given.items() if value is not None}


def level(interval: float | None) -> Fraction | None:
    """--interval where it is given."""
    from bpcli.experiment.conformal import as_level

    try:
        return None if interval is None else as_level(interval)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--interval") from None


@contextmanager
def usage() -> Iterator[None]:
    """A dialect that cannot be is a wrong use of its option."""
    from pydantic import ValidationError

    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        hint = f"--{first['loc'][0]}" if first["loc"] else None
        raise typer.BadParameter(first["msg"], param_hint=hint) from None
