"""bpcli train: from a config to a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli import options

if TYPE_CHECKING:
    from bpcli.display.console import Terminal
    from bpcli.runs.train import Outcome, TrainingRun


def train(
    config: options.ConfigFile,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Run folder.  [default: runs/<config name>-<n>]"),
    ] = None,
    sets: options.Set = [],  # noqa: B006  Typer wants a list and never changes it
    seed: options.Seed = None,
    threads: options.Threads = None,
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> None:
    """Train a network, evaluate it, and write a run folder.

    Examples:

      bpcli train config.yaml

      bpcli train config.yaml -o runs/first --set learning_rate=1e-3 --seed 7

      bpcli train config.yaml --json | jq .metrics.test
    """
    from bpcli.display.console import open_terminal
    from bpcli.experiment.load import load

    terminal = open_terminal(quiet=quiet, verbose=verbose)
    loaded = load(config, options.assignments(sets, seed, threads))
    if loaded.config.learning_rate == "auto":
        from bpcli.cli.lr_sweep import swept

        loaded = swept(terminal, loaded, output, resume=False)

    from bpcli.runs.train import TrainingRun

    run = TrainingRun(loaded, output, force=force)
    _introduce(terminal, run)
    _watch(terminal, run)
    outcome = run.finish()
    if json:
        _print_json(outcome)
    elif not quiet:
        _conclude(terminal, run, outcome)


def _introduce(terminal: Terminal, run: TrainingRun) -> None:
    """What the data is taken for, and what will be trained."""
    from bpcli.display.messages import notice_lines, print_lines
    from bpcli.display.overview import overview
    from bpcli.display.tables import columns_table

    terminal.say(overview(run.problem))
    if terminal.verbosity > 0:
        columns = run.prepared.columns
        terminal.say(columns_table((one.name, one.role, one.reason) for one in columns))
    if terminal.verbosity >= 0:
        print_lines(terminal.err, notice_lines(run.prepared.notices))


def _watch(terminal: Terminal, run: TrainingRun) -> None:
    from bpcli.display.progress import TrainingProgress

    total = run.fit.method.iterations
    progress = TrainingProgress(
        terminal.err, terminal.interactive, total, run.config.epochs, terminal.verbosity < 0
    )
    try:
        with progress:
            for record in run:
                progress.update(record)
    except KeyboardInterrupt:
        from bpcli.display.text import PATH, show

        epochs, folder = len(run.records), show(str(run.folder), PATH)
        typer.echo(f"interrupted after {epochs} epochs; {folder} has no model yet", err=True)
        raise typer.Exit(130) from None


def _conclude(terminal: Terminal, run: TrainingRun, outcome: Outcome) -> None:
    from bpcli.display.closing import RunSummary, closing

    last = outcome.records[-1]
    summary = RunSummary(
        folder=str(outcome.folder),
        metrics=_with_linear(outcome),
        baseline=outcome.baselines[outcome.held_out],
        baseline_predicts=outcome.baseline,
        equations=outcome.equations,
        held_out=outcome.held_out,
        details=outcome.assessment,
        stop_reason=outcome.stop_reason,
        epochs=last.epoch,
        iterations=last.iteration,
        best_epoch=outcome.best_epoch,
        seconds=last.seconds,
        train_losses=[record.train_loss for record in outcome.records],
        validation_losses=[record.validation_loss for record in outcome.records],
    )
    terminal.result(closing(summary))


def _with_linear(outcome: Outcome) -> dict[str, dict[str, float]]:
    """The metrics of each set, and the linear model's on the held-out one."""
    if outcome.linear is None:
        return outcome.metrics
    return {**outcome.metrics, "linear": outcome.linear[outcome.held_out]}


def _print_json(outcome: Outcome) -> None:
    import json

    last = outcome.records[-1]
    facts = {
        "schema_version": 1,
        "run": str(outcome.folder),
        "metrics": outcome.metrics,
        "baseline": outcome.baselines,
        "baseline_predicts": outcome.baseline,
        "linear_baseline": outcome.linear,
        "details": {"set": outcome.held_out, **outcome.assessment.record()},
        "stop_reason": outcome.stop_reason,
        "best_epoch": outcome.best_epoch,
        "epochs": last.epoch,
        "iterations": last.iteration,
        "seconds": last.seconds,
        "equations": outcome.equations and outcome.equations._asdict(),
    }
    typer.echo(json.dumps(facts))
