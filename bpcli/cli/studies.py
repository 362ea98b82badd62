"""Options that lr-sweep and cv share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folds = Annotated[int | None, typer.Option(min=2, help="The same as --set split.folds=N.")]
Repeats = Annotated[int | None, typer.Option(min=1, help="The same as --set split.repeats=N.")]
Group = Annotated[
    str | None, typer.Option(metavar="COL", help="Keep the rows of a group in one fold.")
]
Time = Annotated[
    str | None, typer.Option(metavar="COL", help="Hold out what is newer than the rows trained on.")
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, help="Worker processes.  [default: the cores]"),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with what is finished in the folder of -o.")
]


def folding(
    folds: int | None, repeats: int | None, group: str | None, time: str | None
) -> list[str]:
    """--folds, --repeats, --group and --time as PATH=VALUE."""
    short = {
        "split.folds": folds,
        "split.repeats": repeats,
        "data.group": group,
        "data.time": time,
        "split.method": "group" if group else "time" if time else None,
    }
    return [f"{key}={value}" for key, value in short.items() if value is not None]


def require_output(output: Path | None, *, resume: bool, force: bool) -> None:
    """--resume needs to know where, and is not --force."""
    if resume and (output is None or force):
        raise typer.BadParameter("needs -o FOLDER, and excludes --force", param_hint="--resume")


def jobs_of(asked: int | None) -> int:
    """The worker processes asked for, or one a core."""
    from bpcli.config.threads import physical_cores

    return asked or physical_cores()
