"""bpcli verify: train a run again and compare."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli import options

if TYPE_CHECKING:
    from bpcli.experiment.stopping import Record
    from bpcli.runs.verify import Verdict


def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a completed run.")],
    data: Annotated[
        list[str],
        typer.Option(
            "--data",
            metavar="PATH",
            help="Where the data is now; train=PATH, validation=PATH and test=PATH for a run that "
            "has several files.",
        ),
    ] = [],  # noqa: B006  Typer wants a list and never changes it
    exact: Annotated[
        bool, typer.Option("--exact", help="Accept the same bytes only, no tolerance.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a run again from its folder and compare the two.

    Config, data, split, seed and threads are those of the run; the new one is made in a temporary
    folder. Ends with exit code 9 where the two differ.

    Examples:

      bpcli verify runs/iris-1

      bpcli verify runs/iris-1 --exact --data moved/iris.csv
    """
    from bpcli.display.console import open_terminal
    from bpcli.experiment.load import load
    from bpcli.runs.folder import RESOLVED
    from bpcli.runs.stored import StoredRun

    terminal = open_terminal(quiet=quiet)
    stored = StoredRun.read(run)
    loaded = load(run / RESOLVED, [_assignment(one) for one in data])

    from bpcli.display.progress import watch
    from bpcli.display.verdict import verdict_lines
    from bpcli.runs.verify import verify as verify_run

    facts = stored.record

    def look(records: Iterator[Record]) -> None:
        members = len(facts.get("members", [0]))
        watch(records, terminal, facts["iterations"], facts["epochs"], members)

    verdict = verify_run(stored, loaded, look)
    if json:
        _print_json(verdict, exact)
    else:
        for line in verdict_lines(verdict):
            terminal.result(line)
    if not verdict.holds(exact=exact):
        raise typer.Exit(9)


def _assignment(data: str) -> str:
    """`data.path=/here/iris.csv` of a `--data` option."""
    key, equals, path = data.partition("=")
    if not equals or key not in ("train", "validation", "test"):
        key, path = "path", data
    return f'data.{key}="{Path(path).absolute()}"'


def _print_json(verdict: Verdict, exact: bool) -> None:
    import json

    facts = {
        "schema_version": 1,
        "reproduced": verdict.holds(exact=exact),
        "outcome": verdict.outcome,
        "difference": verdict.difference if verdict.difference < float("inf") else None,
        "tolerance": verdict.tolerance,
        "parting": verdict.parting._asdict() if verdict.parting else None,
        "files": verdict.files,
        "environment": {
            key: {"then": then, "now": now} for key, (then, now) in verdict.environment.items()
        },
    }
    typer.echo(json.dumps(facts))
