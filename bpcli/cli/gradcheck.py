"""bpcli gradcheck: is the gradient of this network right?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bpcli.cli import options

if TYPE_CHECKING:
    from bpcli.insight.gradcheck import Checked


def gradcheck(
    config: options.ConfigFile,
    rows: Annotated[
        int, typer.Option("--rows", min=1, help="Training rows that the loss is computed on.")
    ] = 32,
    sets: options.Set = [],  # noqa: B006  Typer wants a list and never changes it
    seed: options.Seed = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare backpropagation with finite differences, on the network and data of a config.

    For each layer and parameter array: single elements and random directions through all of it, in
    float64, near the start values; with the loss, class weights, l1 and l2 of the config, and one
    draw of dropout and noise. Trains and writes nothing. Ends with exit code 9 where a gradient is
    wrong.

    Examples:

      bpcli gradcheck config.yaml

      bpcli gradcheck config.yaml --rows 256 --set 'network=[{dense: 8}, mish]' --json
    """
    from bpcli.display.console import open_terminal
    from bpcli.experiment.load import load

    terminal = open_terminal(quiet=quiet)
    loaded = load(config, options.assignments(sets, seed, threads=None))

    from bpcli.data.split import TRAIN
    from bpcli.display.gradcheck import gradcheck as shown
    from bpcli.experiment.problem import LearningProblem
    from bpcli.insight.gradcheck import check
    from bpcli.runs.resolved import prepare_and_resolve

    prepared, resolved = prepare_and_resolve(loaded)
    rows = min(rows, len(prepared.rows(TRAIN)))
    found = list(check(LearningProblem.of(resolved, prepared), rows))
    if json:
        _print_json(found, rows)
    else:
        for part in shown(found, rows):
            terminal.result(part)
    if any(one.verdict == "differs" for one in found):
        raise typer.Exit(9)


def _print_json(found: list[Checked], rows: int) -> None:
    import json

    from bpcli.insight.gradcheck import TOLERANCE

    facts = {
        "schema_version": 1,
        "agrees": all(one.verdict != "differs" for one in found),
        "rows": rows,
        "tolerance": TOLERANCE,
        "parameters": [_facts(one) for one in found],
    }
    typer.echo(json.dumps(facts))


def _facts(one: Checked) -> dict[str, Any]:
    return {
        "layer": one.place.number,
        "name": one.place.layer.name,
        "parameter": one.name,
        "shape": one.shape,
        "compared": len(one.told),
        "unresolved": one.unresolved,
        "error": one.worst and one.worst.error,
        "analytic": one.worst and one.worst.analytic,
        "numeric": one.worst and one.worst.numeric,
        "verdict": one.verdict,
    }
