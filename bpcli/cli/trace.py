"""bpcli trace: one row through forward pass, loss, backward pass and update."""

from __future__ import annotations

from typing import Annotated

import typer

from bpcli.cli import options


def trace(
    config: options.ConfigFile,
    row: Annotated[
        int, typer.Option("--row", min=1, help="Row of the data, from 1, that is learned from.")
    ],
    step: Annotated[
        int,
        typer.Option("--step", min=1, help="The first update from this one on that has the row."),
    ] = 1,
    sets: options.Set = [],  # noqa: B006  Typer wants a list and never changes it
    seed: options.Seed = None,
    threads: options.Threads = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Leave no number out, however wide a layer is.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown page.")] = False,
    json: options.Json = False,
) -> None:
    """Follow one row through one update of the training, layer by layer.

    Shows the forward pass, the loss, the backward pass and the new parameters with their formulas:
    the numbers of the real training, which is done up to there. Writes nothing.

    Examples:

      bpcli trace config.yaml --row 3

      bpcli trace config.yaml --row 3 --step 100 --all

      bpcli trace config.yaml --row 3 --markdown > lesson.md

      bpcli trace runs/first/config.resolved.yaml --row 3 --json
    """
    if json and markdown:
        raise typer.BadParameter("excludes --json", param_hint="--markdown")
    from bpcli.display.console import open_terminal
    from bpcli.experiment.load import load

    terminal = open_terminal()
    loaded = load(config, options.assignments(sets, seed, threads))

    from bpcli.display.trace_page import page
    from bpcli.experiment.problem import LearningProblem
    from bpcli.insight.trace import trace as follow
    from bpcli.runs.resolved import prepare_with_target

    prepared, resolved = prepare_with_target(loaded)
    problem = LearningProblem.of(resolved, prepared)
    found = follow(problem, row, step)
    if json:
        import json as module

        from bpcli.display.trace_facts import facts

        typer.echo(module.dumps(facts(found, problem)))
    elif markdown:
        from bpcli.display.trace_markdown import markdown_page

        typer.echo(markdown_page(page(found, problem, everything=everything), everything), nl=False)
    else:
        from bpcli.display.trace_text import TraceText

        terminal.result(TraceText(page(found, problem, everything=everything), everything))
