"""bpcli cv: how well a config does on rows it has not seen."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli import options, studies

if TYPE_CHECKING:
    from bpcli.display.console import Terminal
    from bpcli.runs.cv import CrossValidationRun


def cv(
    config: options.ConfigFile,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder.  [default: runs/<config name>-cv-<n>]"),
    ] = None,
    folds: studies.Folds = None,
    repeats: studies.Repeats = None,
    group: studies.Group = None,
    time: studies.Time = None,
    refit: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="Then train the model that this is the estimate of, into RUN."
        ),
    ] = None,
    jobs: studies.Jobs = None,
    sets: options.Set = [],  # noqa: B006  Typer wants a list and never changes it
    seed: options.Seed = None,
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> None:
    """Estimate every metric by cross-validation, with standard errors and intervals.

    Test rows are in no fold. Where the config stops by validation rows, the folds first say after
    how many epochs, and are then trained for their mean and scored.

    Examples:

      bpcli cv config.yaml

      bpcli cv config.yaml --folds 10 --repeats 3 --refit runs/final

      bpcli cv config.yaml --group patient
    """
    from bpcli.display.console import open_terminal
    from bpcli.experiment.load import load

    terminal = open_terminal(quiet=quiet, verbose=verbose)
    assignments = [
        *options.assignments(sets, seed, None),
        *studies.folding(folds, repeats, group, time),
    ]
    loaded = load(config, [*assignments, "threads=1"])  # jobs, not threads, share the work
    if loaded.config.learning_rate == "auto":
        from bpcli.cli.lr_sweep import swept

        loaded = swept(terminal, loaded, output, resume=False)
        assignments.append(f"learning_rate={loaded.config.learning_rate}")

    from bpcli.runs.cv import CrossValidationRun

    run = CrossValidationRun(loaded, output, jobs=studies.jobs_of(jobs), force=force)
    _watch(terminal, run)
    facts = run.finish()
    own = [*assignments, *run.validation.refit()]
    if json:
        import json as format

        typer.echo(format.dumps({**facts, "run": str(run.folder)}))
    elif not quiet:
        from bpcli.display.estimate import estimate

        words = ["bpcli", "train", str(config), *(word for one in own for word in ("--set", one))]
        terminal.result(estimate(facts, shlex.join(words)))
        terminal.say(f"files: {run.folder}")
    if refit is not None:
        from bpcli.cli.train import train

        train(config, output=refit, sets=own, force=force, quiet=quiet or json, verbose=verbose)


def _watch(terminal: Terminal, run: CrossValidationRun) -> None:
    from bpcli.display.messages import notice_lines, print_lines
    from bpcli.display.progress import CountProgress
    from bpcli.runs.signals import Interrupted

    if terminal.verbosity >= 0:
        print_lines(terminal.err, notice_lines(run.notices))
    quiet = terminal.verbosity < 0
    try:
        with CountProgress(terminal.err, terminal.interactive, "trainings", quiet) as progress:
            for step in run:
                progress.update(*step)
    except Interrupted as asked:
        typer.echo("interrupted; nothing is kept", err=True)
        raise typer.Exit(asked.exit_code) from None
