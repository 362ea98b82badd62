"""bpcli cv: how well a config does on rows it has not seen."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bpcli.cli import options, studies
from bpcli.cli.ending import say_how_to_go_on

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

        loaded = swept(terminal, loaded, output, assignments, resume=False)
        assignments.append(f"learning_rate={loaded.config.learning_rate}")

    from bpcli.runs.claim import Claim
    from bpcli.runs.cv import CrossValidationRun

    if refit is not None:
        Claim(config, refit, force).check()  # now, not when the folds are done
    with CrossValidationRun(loaded, output, jobs=studies.jobs_of(jobs), force=force) as run:
        facts = _work(terminal, run, options.words("cv", config, assignments))
    own = [*assignments, *run.validation.refit()]
    if json:
        import json as format

        typer.echo(format.dumps({**facts, "run": str(run.folder)}))
    elif not quiet:
        from bpcli.display.estimate import estimate

        refitting = shlex.join(options.words("train", config, own))
        terminal.result(estimate(facts, refitting))
        terminal.say(f"files: {run.folder}")
    if refit is not None:
        from bpcli.cli.train import train

        train(config, output=refit, sets=own, force=force, quiet=quiet or json, verbose=verbose)


def _work(terminal: Terminal, run: CrossValidationRun, again: list[str]) -> dict[str, Any]:
    """Train and score; where a signal ends that, the command `again` starts anew."""
    from bpcli.runs.signals import Interrupted

    try:
        _watch(terminal, run)
        return run.finish()
    except Interrupted as asked:
        anew = [*again, "-o", str(run.folder), "--force"]
        say_how_to_go_on(asked, run.on_disk, anew, "start again with")
        raise typer.Exit(asked.exit_code) from None


def _watch(terminal: Terminal, run: CrossValidationRun) -> None:
    from bpcli.display.messages import notice_lines, print_lines
    from bpcli.display.progress import CountProgress

    if terminal.verbosity >= 0:
        print_lines(terminal.err, notice_lines(run.notices))
    quiet = terminal.verbosity < 0
    with CountProgress(terminal.err, terminal.interactive, "trainings", quiet) as progress:
        for step in run:
            progress.update(*step)
