"""bpcli cv: how well a config does on rows it has not seen."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from bpcli.cli import options, studies
from bpcli.config.errors import Notice


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
    cluster: studies.Cluster = None,
    resume: studies.Resume = False,
    sets: options.Set = [],  # noqa: B006  Typer wants a list and never changes it
    seed: options.Seed = None,
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> None:
    """Estimate every metric by cross-validation, with standard errors and intervals.

    Test rows are in no fold. Where the config stops by validation rows, the folds first say after
    how many epochs; then each is trained for the mean of the others, and scored.

    Examples:

      bpcli cv config.yaml

      bpcli cv config.yaml --folds 10 --repeats 3 --refit runs/final

      bpcli cv config.yaml --group patient
    """
    studies.require_output(output, resume=resume, force=force)
    from bpcli.display.console import open_terminal
    from bpcli.experiment.load import load

    terminal = open_terminal(quiet=quiet, verbose=verbose)
    assignments = [
        *options.assignments(sets, seed, None),
        *studies.folding(folds, repeats, group, time),
    ]
    loaded = load(config, [*assignments, studies.ONE_THREAD])
    place = studies.place(output, jobs, cluster, force=force, resume=resume)

    def again(folder: Path) -> list[str]:
        who = {"-j": jobs, "--cluster": cluster}
        others = {"-o": folder, "--resume": True, **who, "--refit": refit, "--json": json}
        return options.words("cv", config, assignments, *options.given(others))

    from bpcli.runs.claim import Claim
    from bpcli.runs.cv import VALIDATION, CrossValidationRun

    place.claim(loaded, VALIDATION).check()
    if refit is not None:
        Claim(config, refit, force).check()  # now, not when the folds are done
    own, notices = list(assignments), []
    if loaded.config.learning_rate == "auto":
        from bpcli.cli.lr_sweep import swept

        def sweep_again(sweep: Path) -> list[str]:
            if output is not None:
                return again(output)
            return options.words("lr-sweep", config, assignments, "-o", str(sweep), "--resume")

        loaded = swept(terminal, loaded, place, sweep_again)
        own.append(f"learning_rate={loaded.config.learning_rate}")
        what = "chosen on the folds that judge it here, so the estimate is a little too good"
        notices.append(Notice("BP-S007", "learning_rate", what))

    run = CrossValidationRun(loaded, place, tuple(notices))
    with run.sitting:
        facts = studies.done(terminal, run.sitting, run.finish, again(run.folder))
    own += run.refit()
    if json:
        import json as format

        typer.echo(format.dumps({**facts, "run": str(run.folder)}))
    elif not quiet:
        from bpcli.display.estimate import estimate

        terminal.result(estimate(facts, shlex.join(options.words("train", config, own))))
        terminal.say(f"files: {run.folder}")
    if refit is not None:
        from bpcli.cli.train import train

        train(config, output=refit, sets=own, force=force, quiet=quiet or json, verbose=verbose)
