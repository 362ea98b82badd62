"""bpcli compare: completed runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bpcli.cli import options


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN RUN...", help="Folders of completed runs.")
    ],
    json: options.Json = False,
) -> None:
    """Compare completed runs: config, data, metrics, and which one is best.

    Over the same test rows the others are tested against the best one: classes by McNemar's test,
    numbers by a paired bootstrap of the squared error, p adjusted for their number (Holm).

    Examples:

      bpcli compare runs/iris-1 runs/iris-2

      bpcli compare runs/* --json
    """
    if len(set(runs)) < 2:
        raise typer.BadParameter("expected two runs or more", param_hint="RUN")
    from bpcli.config.threads import fix_threads
    from bpcli.runs.stored import StoredRun

    stored = [StoredRun.read(run) for run in dict.fromkeys(runs)]
    fix_threads(1)

    from bpcli.display.comparison import as_facts, comparison_parts
    from bpcli.display.console import open_terminal
    from bpcli.runs.compare import compare_runs

    comparison = compare_runs(stored)
    if json:
        _print_json(as_facts(comparison))
        return
    terminal = open_terminal()
    for part in comparison_parts(comparison):
        terminal.result(part)


def _print_json(facts: dict[str, object]) -> None:
    import json

    typer.echo(json.dumps(facts))
