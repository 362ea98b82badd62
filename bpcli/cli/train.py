"""bpcli train: from a config to a run folder."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli import options, studies
from bpcli.cli.ending import say_how_to_go_on

if TYPE_CHECKING:
    from bpcli.display.console import Terminal
    from bpcli.runs.outcome import AnyOutcome
    from bpcli.runs.train import TrainingRun


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
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on from the checkpoint in the run folder, or from the start where there is "
            "none yet.",
        ),
    ] = False,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="WHERE",
            help="Compute the gradients of the config's shards on a Dask cluster: local:4, "
            "tcp://HOST:8786, or its scheduler.json (extra: dask).",
        ),
    ] = None,
    require_threshold: Annotated[
        bool,
        typer.Option(
            "--require-threshold",
            help="End with exit code 9 where the loss has not come below stop.threshold.",
        ),
    ] = False,
    picture: Annotated[
        bool,
        typer.Option("--picture", help="Also draw the clusters, as SVG and PNG (extra: report)."),
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> None:
    """Train a network, evaluate it, and write a run folder.

    Examples:

      bpcli train config.yaml

      bpcli train config.yaml -o runs/first --set learning_rate=1e-3 --seed 7

      bpcli train config.yaml --json | jq .metrics.test

      bpcli train config.yaml -o runs/first --resume
    """
    if resume and (output is None or force):
        raise typer.BadParameter("needs -o RUN, and excludes --force", param_hint="--resume")
    from bpcli.display.console import open_terminal
    from bpcli.experiment.load import load
    from bpcli.runs.threads import threads_of_checkpoint

    terminal = open_terminal(quiet=quiet, verbose=verbose)
    known = threads_of_checkpoint(output) if resume and output else None
    assignments = options.assignments(sets, seed, threads)
    loaded = load(config, assignments, auto_threads=known)
    if require_threshold and loaded.config.stop.threshold is None:
        what = "needs stop.threshold in the config"
        raise typer.BadParameter(what, param_hint="--require-threshold")

    studies.require_place(cluster)
    if cluster and loaded.config.shards is None:
        what = "needs shards in the config, e.g. --set shards=16"
        raise typer.BadParameter(what, param_hint="--cluster")
    drawing = ["--picture"] if picture else []
    if picture and not loaded.config.finds_clusters:
        raise typer.BadParameter("is of clusters (task: clustering)", param_hint="--picture")

    def again(folder: Path) -> list[str]:
        others = options.given({"-o": folder, "--resume": True, "--cluster": cluster})
        return options.words("train", config, assignments, *others, *drawing)

    if loaded.config.learning_rate == "auto":
        from bpcli.cli.lr_sweep import swept
        from bpcli.runs.claim import Claim

        def sweep_again(sweep: Path) -> list[str]:
            if output is not None:
                return again(output)
            flags = ("-o", str(sweep), "--resume", "--train")
            return options.words("lr-sweep", config, assignments, *flags)

        Claim(config, output, force, resume).check()  # now, not when the sweep is done
        place = studies.place(output, cluster=cluster, force=force, resume=resume)
        loaded = swept(terminal, loaded, place, sweep_again)

    from bpcli.display.messages import notice_lines, print_lines
    from bpcli.runs.signals import Interrupted
    from bpcli.runs.train import TrainingRun

    rethreaded = threads is not None
    how = {"force": force, "resume": resume, "other_threads": rethreaded}
    with TrainingRun(loaded, output, **how, cluster=cluster) as run:
        try:
            _introduce(terminal, run)
            if resume:
                _say_where(terminal, run)
            _watch(terminal, run)
            outcome = run.finish()
        except Interrupted as asked:
            say_how_to_go_on(asked, run.on_disk, again(run.folder))
            raise typer.Exit(asked.exit_code) from None
    if terminal.verbosity >= 0:
        print_lines(terminal.err, notice_lines(run.remarks))
        if run.findings:
            terminal.say(_what_to_do(run.folder))
    if picture:
        _draw(outcome)
    if json:
        import json as format

        typer.echo(format.dumps(outcome.facts()))
    elif not quiet:
        _conclude(terminal, outcome)
    if require_threshold and run.missed_threshold:
        raise typer.Exit(9)


def _introduce(terminal: Terminal, run: TrainingRun) -> None:
    """What the data is taken for, and what will be trained."""
    from bpcli.display.messages import notice_lines, print_lines
    from bpcli.display.overview import overview
    from bpcli.display.tables import columns_table

    default = run.loaded.config.takes_default_network and run.preset is None
    terminal.say(overview(run.members, default=default))
    if terminal.verbosity > 0:
        columns = run.prepared.columns
        terminal.say(columns_table((one.name, one.role, one.reason) for one in columns))
    if run.number is not None:
        from bpcli.display.clusters import numbers_table

        terminal.say(numbers_table(run.number))
    if terminal.verbosity >= 0:
        print_lines(terminal.err, notice_lines((*run.prepared.notices, *run.notices)))


def _what_to_do(folder: Path) -> str:
    from bpcli.display.text import PATH, show

    return f"What to do about it: bpcli diagnose {show(shlex.quote(str(folder)), PATH)}"


def _say_where(terminal: Terminal, run: TrainingRun) -> None:
    iteration = run.fit.iterations
    if run.completed:
        said = f"{run.folder} is complete: nothing is trained or written"
    elif run.saved_at is None:
        said = f"{run.folder} has no checkpoint yet: training begins at the start"
    else:
        said = f"{run.folder} goes on from its checkpoint at iteration {iteration}"
    terminal.say(said)


def _watch(terminal: Terminal, run: TrainingRun) -> None:
    from bpcli.display.progress import watch

    watch(
        run,
        terminal,
        updates=run.members.updates,
        epochs=run.config.epochs,
        members=run.members.size,
    )


def _draw(outcome: AnyOutcome) -> None:
    from bpcli.display.pictures import clusters_picture
    from bpcli.runs.clusters import ClusterOutcome
    from bpcli.runs.files import write_file
    from bpcli.runs.folder import PICTURES

    assert isinstance(outcome, ClusterOutcome)
    for kind, name in PICTURES.items():
        write_file(outcome.folder / name, clusters_picture(outcome.plane, kind))


def _conclude(terminal: Terminal, outcome: AnyOutcome) -> None:
    from bpcli.display.closing import RunSummary, closing
    from bpcli.display.clusters import clusters_closing
    from bpcli.display.reconstruction import latent_closing
    from bpcli.runs.clusters import ClusterOutcome
    from bpcli.runs.reconstruction import LatentOutcome

    if isinstance(outcome, ClusterOutcome):
        terminal.result(clusters_closing(outcome))
        return
    if isinstance(outcome, LatentOutcome):
        terminal.result(latent_closing(outcome))
        return

    summary = RunSummary(
        folder=str(outcome.folder),
        metrics=outcome.with_linear(),
        baseline=outcome.baselines[outcome.held_out],
        baseline_predicts=outcome.baseline,
        equations=outcome.equations,
        held_out=outcome.held_out,
        details=outcome.assessment,
        certainty=outcome.certainty,
        members=outcome.members,
        iterations=outcome.iterations,
        records=outcome.records,
    )
    terminal.result(closing(summary))
