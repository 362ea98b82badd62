"""bpcli tune: search for the settings that cross-validation likes best."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bpcli.cli import options, studies

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bpcli.display.console import Terminal
    from bpcli.runs.tune import TuneRun

SHOWN = 5  # trials on a terminal, while others are under way


def tune(
    config: options.ConfigFile,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder.  [default: runs/<config name>-tune-<n>]"),
    ] = None,
    trials: Annotated[
        int | None, typer.Option("--trials", "-n", min=1, help="The same as --set tune.trials=N.")
    ] = None,
    train: Annotated[
        bool,
        typer.Option(
            help="Then train with the best settings, into FOLDER/run, and open the test rows."
        ),
    ] = True,
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Also write the trials to a storage of Optuna's, such as sqlite:///trials.db.",
        ),
    ] = None,
    outer_folds: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="K",
            help="Nested cross-validation: the same as --set tune.outer_folds=K.",
        ),
    ] = None,
    folds: studies.Folds = None,
    repeats: studies.Repeats = None,
    group: studies.Group = None,
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
    """Search over any settings of a config by cross-validation, with Optuna.

    What is tried stands in tune.space; without one it is what lies around the config: width, depth,
    activation, normalisation, dropout and embedding of its preset, learning rate, weight decay and
    batch size. Trial 0 is the config as it is. The test rows are opened once, at the end. With
    --outer-folds the whole search is also done without each of K parts of the rows and scored on
    it, which says how good its winners really are; so it takes K times longer. Needs the extra
    tune: pip install 'bpcli[tune]'.

    Examples:

      bpcli tune config.yaml --trials 40

      bpcli tune config.yaml --set 'tune.space.learning_rate={log_uniform: [1e-4, 0.1]}'

      bpcli tune config.yaml -o runs/search --trials 80 --resume

      bpcli tune config.yaml -o runs/search --outer-folds 5 --resume
    """
    studies.require_output(output, resume=resume, force=force)
    from bpcli.display.console import open_terminal
    from bpcli.experiment.load import load

    terminal = open_terminal(quiet=quiet, verbose=verbose)
    assignments = [
        *options.assignments(sets, seed, None),
        *([] if trials is None else [f"tune.trials={trials}"]),
        *([] if outer_folds is None else [f"tune.outer_folds={outer_folds}"]),
        *studies.folding(folds, repeats, group, None),
    ]
    loaded = load(config, [*assignments, studies.ONE_THREAD])
    place = studies.place(output, jobs, cluster, force=force, resume=resume)

    from bpcli.runs.tune import TuneRun

    run = TuneRun(loaded, place)
    flags = {"-o": run.folder, "--resume": True, "--cluster": cluster, "--no-train": not train}
    again = options.words("tune", config, assignments, *options.given(flags))
    with run.sitting:
        leaders = partial(_standing, run)
        facts = studies.done(terminal, run.sitting, run.finish, again, leaders)
        if storage is not None:
            run.export(storage, run.folder.name)
    if not (quiet or json):
        from bpcli.display.tune import estimate, leaderboard

        terminal.result(leaderboard(facts))
        if facts["nested"]:
            terminal.result(estimate(facts))
    refit = _refit(run, facts, force=force or resume) if train else None
    if json:
        import json as format

        typer.echo(format.dumps({**facts, "refit": refit, "run": str(run.folder)}))
    elif not quiet:
        _conclude(terminal, run, facts, refit)


def _standing(run: TuneRun) -> RenderableType:
    """The best trials while others are under way."""
    from bpcli.display.tune import standing

    return standing(run.standing(SHOWN))


def _refit(run: TuneRun, facts: dict[str, Any], *, force: bool) -> dict[str, Any]:
    """Train with the best settings, and hold the test rows against what the folds had said."""
    from bpcli.cli.train import train
    from bpcli.runs.tune import RUN, best_config, test_score

    folder = run.folder / RUN
    train(best_config(run.folder), output=folder, force=force, quiet=True)
    test = test_score(folder, facts["metric"])
    gap = None if test is None else facts["best"]["mean"] - test
    return {"run": str(folder), "test": test, "optimism": gap}


def _conclude(
    terminal: Terminal, run: TuneRun, facts: dict[str, Any], refit: dict[str, Any] | None
) -> None:
    from bpcli.display.tune import optimism

    if refit is not None:
        if refit["test"] is not None:
            terminal.result("")
            terminal.result(optimism(facts, refit["test"]))
        terminal.say(f"Next: bpcli predict {refit['run']} data.csv")
    terminal.say(f"files: {run.folder}")
