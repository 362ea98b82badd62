"""bpcli list: everything a config can name, with its help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli import options

if TYPE_CHECKING:
    from bpcli.config.describe import ComponentHelp

KINDS = "layer, loss, optimizer, schedule, initializer, metric, preset, scaler"


def list_components(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {KINDS}, or all.")] = "all",
    json: options.Json = False,
) -> None:
    """List the components that a config can name.

    Examples:

      bpcli list layer

      bpcli list optimizer --json
    """
    import bpcli.experiment.config  # noqa: F401  registers every family
    from bpcli.config.describe import describe, families

    kinds = families() if kind == "all" else [_family(kind, families())]
    described = {one: describe(one) for one in kinds}
    if json:
        _print_json(described)
    else:
        _print_tables(described)


def _family(kind: str, known: list[str]) -> str:
    """The family of a kind, also where it is written in the plural."""
    from bpcli.config.errors import did_you_mean

    for name in (kind, kind.removesuffix("s"), kind.removesuffix("es")):
        if name in known:
            return name
    message = f"unknown kind '{kind}'{did_you_mean(kind, known)} Expected {', '.join(known)}"
    raise typer.BadParameter(message, param_hint="KIND")


def _print_tables(described: dict[str, list[ComponentHelp]]) -> None:
    from bpcli.display.console import open_terminal
    from bpcli.display.tables import components_table

    terminal = open_terminal()
    for kind, members in described.items():
        rows = [(one.name, one.fields_line, one.summary) for one in members]
        terminal.result(components_table(kind, rows))
        terminal.result("")


def _print_json(described: dict[str, list[ComponentHelp]]) -> None:
    import json

    kinds = {
        kind: [
            {**one._asdict(), "fields": [field._asdict() for field in one.fields]}
            for one in members
        ]
        for kind, members in described.items()
    }
    typer.echo(json.dumps({"schema_version": 1, "kinds": kinds}))
