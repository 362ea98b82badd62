"""bpcli plan: what a config would train, before it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bpcli.cli import options

if TYPE_CHECKING:
    from bpcli.experiment.members import Members


def plan(
    config: options.ConfigFile,
    sets: options.Set = [],  # noqa: B006  Typer wants a list and never changes it
    seed: options.Seed = None,
    threads: options.Threads = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Print layers, parameters, memory and time of a config.

    Reads the data and times a few updates; trains and writes nothing.

    Examples:

      bpcli plan config.yaml

      bpcli plan config.yaml --set network=mlp --json
    """
    from bpcli.display.console import open_terminal
    from bpcli.experiment.load import load

    terminal = open_terminal(quiet=quiet)
    loaded = load(config, options.assignments(sets, seed, threads))

    from bpcli.config.memory import bytes_available
    from bpcli.display.messages import notice_lines, print_lines
    from bpcli.display.overview import layer_rows, overview, work
    from bpcli.display.tables import layers_table
    from bpcli.experiment.estimate import seconds_estimated
    from bpcli.experiment.members import Members
    from bpcli.experiment.memory import bytes_needed, require_training_memory
    from bpcli.experiment.problem import LearningProblem
    from bpcli.runs.decided import prepare_and_foresee

    prepared, resolved, networks = prepare_and_foresee(loaded)
    problem = LearningProblem.of(resolved, prepared)
    require_training_memory(problem)
    members = Members.of(problem)
    seconds, needed = seconds_estimated(members), bytes_needed(problem)
    if json:
        _print_json(members, seconds, needed)
        return
    default = loaded.config.takes_default_network and networks is None
    terminal.say(overview(members, default=default))
    terminal.result(layers_table(layer_rows(problem.network)))
    terminal.result(work(needed, bytes_available(), seconds))
    if networks is not None and not quiet:
        print_lines(terminal.err, notice_lines([networks.notice()]))


def _print_json(members: Members, seconds: float, needed: int) -> None:
    import json

    from bpcli.display.overview import layer_rows

    problem = members.problem
    keys = ("index", "layer", "output", "parameters")
    facts = {
        "schema_version": 1,
        "task": problem.prepared.task,
        "layers": [dict(zip(keys, row, strict=True)) for row in layer_rows(problem.network)],
        "members": members.size,
        "parameters": members.parameters,
        "bytes": needed,
        "seconds": seconds,
        "iterations": members.updates,
    }
    typer.echo(json.dumps(facts))
