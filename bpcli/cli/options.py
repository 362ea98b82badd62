"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Verbose = Annotated[
    int, typer.Option("--verbose", "-v", count=True, show_default=False, help="Say more.")
]


def assignments(sets: list[str], seed: int | None, threads: int | None) -> list[str]:
    """--set, --seed and --threads as one list of PATH=VALUE, the short options last."""
    short = {"seed": seed, "threads": threads}
    return [*sets, *(f"{key}={value}" for key, value in short.items() if value is not None)]
