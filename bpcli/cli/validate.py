"""bpcli validate: is a config right, and what does it say in full?"""

from __future__ import annotations

from typing import Annotated

import typer

from bpcli.cli import options


def validate(
    config: options.ConfigFile,
    sets: options.Set = [],  # noqa: B006  Typer wants a list and never changes it
    seed: options.Seed = None,
    threads: options.Threads = None,
    expand: Annotated[
        bool,
        typer.Option("--expand", help="Read the data and print the config in full."),
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Check a config; every problem is reported at once.

    Examples:

      bpcli validate config.yaml

      bpcli validate config.yaml --expand > full.yaml
    """
    from bpcli.display.console import open_terminal
    from bpcli.experiment.load import load

    terminal = open_terminal(quiet=quiet)
    loaded = load(config, options.assignments(sets, seed, threads))
    if expand:
        from bpcli.config.dump import dump
        from bpcli.runs.decided import expanded

        typer.echo(dump(expanded(loaded)), nl=False)
    elif json:
        typer.echo('{"schema_version": 1, "valid": true}')
    else:
        from bpcli.display.text import PATH, show

        terminal.say(f"{show(str(config), PATH)} is valid")
