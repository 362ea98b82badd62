"""bpcli init: a first config from a look at the data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bpcli.cli import options

STDIN = STDOUT = Path("-")


def init(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="CSV file.")],
    target: Annotated[
        list[str],
        typer.Option(
            "--target", "-t", metavar="COL", help="Column to predict; repeatable.  [default: last]"
        ),
    ] = [],  # noqa: B006  Typer wants a list and never changes it
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Config to write; - prints it.  [default: DATA.yaml]"),
    ] = None,
    sets: options.Set = [],  # noqa: B006  Typer wants a list and never changes it
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Look at a CSV and write a commented config for it.

    Examples:

      bpcli init titanic.csv --target Survived

      bpcli init cars.csv -t c7 --set data.header=false -o cars.yaml

      bpcli init iris.csv --set task=clustering --set data.label=species
    """
    if data == STDIN:
        what = "is standard input, and a config names a file; save it to one first"
        raise typer.BadParameter(what, param_hint="DATA -")
    from bpcli.config.threads import fix_threads
    from bpcli.display.console import open_terminal
    from bpcli.display.text import PATH, show

    terminal = open_terminal(quiet=quiet)
    fix_threads(1)

    from bpcli.experiment.starter import starter
    from bpcli.runs.files import write_new

    path = output or Path(data.name.partition(".")[0] + ".yaml")
    text = starter(data, target, sets, Path() if path == STDOUT else path.parent)
    if path == STDOUT:
        typer.echo(text, nl=False)
        return
    write_new(path, text, keep=data, force=force)
    terminal.say(f"wrote {show(str(path), PATH)}\nNext: bpcli train {show(str(path), PATH)}")
