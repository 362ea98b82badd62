"""bpcli lr-sweep: the learning rate that cross-validation chooses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bpcli.cli import options, studies
from bpcli.cli.ending import say_how_to_go_on

if TYPE_CHECKING:
    from bpcli.display.console import Terminal
    from bpcli.experiment.load import Loaded
    from bpcli.runs.sweep import SweepRun
    from bpcli.selection.choice import Choice


def lr_sweep(
    config: options.ConfigFile,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder.  [default: runs/<config name>-lr-sweep-<n>]"),
    ] = None,
    also: Annotated[
        str | None,
        typer.Option(metavar="PATH=A,B,…", help="Sweep a second key too, and show a heat map."),
    ] = None,
    rule: Annotated[
        Literal["min", "one-se"] | None, typer.Option(help="The same as --set lr_sweep.rule=…")
    ] = None,
    folds: studies.Folds = None,
    repeats: studies.Repeats = None,
    group: studies.Group = None,
    time: studies.Time = None,
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a copy of the config with the chosen rate."),
    ] = None,
    go_on: Annotated[
        bool, typer.Option("--train", help="Go on and train with the chosen rate.")
    ] = False,
    picture: Annotated[
        bool, typer.Option("--picture", help="Also draw it, as SVG and PNG (extra: report).")
    ] = False,
    range_test: Annotated[
        bool,
        typer.Option("--range-test", help="Instead, one short run with a growing rate."),
    ] = False,
    jobs: studies.Jobs = None,
    resume: studies.Resume = False,
    sets: options.Set = [],  # noqa: B006  Typer wants a list and never changes it
    seed: options.Seed = None,
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> None:
    """Choose a learning rate by cross-validation, with error bars.

    Every rate is trained on the same folds; test rows are never touched. Rates × folds train at
    once, with the bits of each training alone, whatever the number of jobs.

    Examples:

      bpcli lr-sweep config.yaml

      bpcli lr-sweep config.yaml --rule one-se --write tuned.yaml

      bpcli lr-sweep config.yaml --also batch_size=16,64,256 --folds 10
    """
    studies.require_output(output, resume=resume, force=force)
    from bpcli.display.console import open_terminal

    terminal = open_terminal(quiet=quiet, verbose=verbose)
    assignments = [
        *options.assignments(sets, seed, None),
        *studies.folding(folds, repeats, group, time),
        *([f"lr_sweep.rule={rule}"] if rule else []),
    ]
    if range_test:
        _test_range(terminal, config, assignments, json=json)
        return
    settings, key = _settings(config, assignments, also)

    from bpcli.runs.chosen import write_chosen
    from bpcli.runs.files import require_new
    from bpcli.runs.sweep import SweepRun

    if write is not None:
        require_new(write, keep=config, force=force)  # now, not when the sweep is done
    again = options.words("lr-sweep", config, assignments)
    again += ["--also", also] if also else []
    with SweepRun(
        settings,
        output,
        also=key,
        jobs=studies.jobs_of(jobs),
        force=force,
        resume=resume,
    ) as run:
        _work(terminal, run, [*again, *_resumed(run)])
        if picture:
            _draw(run)
        if write is not None:
            write_chosen(run, write, assignments, force=force)
        if not (json and go_on):
            _conclude(terminal, run, write, json=json)
    if go_on:
        from bpcli.cli.train import train

        train(config, sets=[*assignments, *run.chosen], json=json, quiet=quiet, verbose=verbose)


def swept(
    terminal: Terminal,
    loaded: Loaded,
    output: Path | None,
    assignments: list[str],
    *,
    resume: bool,
    command: list[str] | None = None,
) -> Loaded:
    """The config of `learning_rate: auto` with the rate of a sweep, which has its own folder.

    `command` goes on with the whole; without one, the sweep alone can be gone on with.
    """
    from bpcli.runs.sweep import SweepRun

    single = loaded._replace(config=loaded.config.model_copy(update={"threads": 1}))
    beside = output and output.with_name(f"{output.name}-lr-sweep")
    jobs = studies.jobs_of(None)
    with SweepRun({"": single}, beside, jobs=jobs, force=not resume, resume=resume) as run:
        alone = [*options.words("lr-sweep", loaded.path, assignments), *_resumed(run)]
        rate = _work(terminal, run, command or alone).winner.rate
        terminal.say(f"learning_rate: auto is {rate:g}, chosen in {run.folder}")
    return loaded._replace(config=loaded.config.model_copy(update={"learning_rate": rate}))


def _settings(
    config: Path, assignments: list[str], also: str | None
) -> tuple[dict[str, Loaded], str]:
    """The configs by the value of the second key, and its name; one of "" without such a key."""
    from bpcli.experiment.load import load

    one_process = "threads=1"  # jobs, not threads, share the work
    if also is None:
        return {"": load(config, [*assignments, one_process])}, ""
    key, given, values = also.partition("=")
    if not given or not values.strip():
        raise typer.BadParameter("expected PATH=A,B,…", param_hint="--also")
    names = dict.fromkeys(value.strip() for value in values.split(","))
    loaded = {name: load(config, [*assignments, f"{key}={name}", one_process]) for name in names}
    return loaded, key


def _resumed(run: SweepRun) -> list[str]:
    return ["-o", str(run.folder), "--resume"]


def _work(terminal: Terminal, run: SweepRun, again: list[str]) -> Choice:
    """Train and choose; where a signal ends that, the command `again` goes on."""
    from bpcli.runs.signals import Interrupted

    try:
        _watch(terminal, run)
        return run.finish()
    except Interrupted as asked:
        say_how_to_go_on(asked, run.on_disk, again)
        raise typer.Exit(asked.exit_code) from None


def _watch(terminal: Terminal, run: SweepRun) -> None:
    from bpcli.display.messages import notice_lines, print_lines
    from bpcli.display.progress import CountProgress

    if terminal.verbosity >= 0:
        print_lines(terminal.err, notice_lines(run.notices))
    known = len(run.notices)
    quiet = terminal.verbosity < 0
    with CountProgress(terminal.err, terminal.interactive, "trainings", quiet) as progress:
        for step in run:
            progress.update(*step)
    if terminal.verbosity >= 0:
        print_lines(terminal.err, notice_lines((*run.notices[known:], *run.failures)))


def _conclude(terminal: Terminal, run: SweepRun, written: Path | None, *, json: bool) -> None:
    if json:
        import json as format

        typer.echo(format.dumps({**run.facts(), "run": str(run.folder)}))
        return
    if terminal.verbosity < 0:
        return
    from bpcli.display.sweep import choice_lines, heat_map, sweep_table

    facts = run.facts()
    terminal.result(sweep_table(facts, [run.seconds(one) for one in run.search.candidates]))
    if facts["also"]:
        terminal.result("")
        terminal.result(heat_map(facts))
    terminal.result("")
    terminal.result(choice_lines(facts))
    terminal.say(f"files: {run.folder}" + (f", {written}" if written else ""))


def _draw(run: SweepRun) -> None:
    from bpcli.display.pictures import sweep_picture
    from bpcli.runs.files import write_file
    from bpcli.runs.sweep import PICTURES

    for kind, name in PICTURES.items():
        write_file(run.folder / name, sweep_picture(run.facts(), kind))


def _test_range(terminal: Terminal, config: Path, assignments: list[str], *, json: bool) -> None:
    """One run with a growing rate, on copies of the start values; nothing is written."""
    from bpcli.experiment.load import load

    loaded = load(config, assignments)

    from bpcli.display.range_test import range_curve
    from bpcli.runs.resolved import prepare_and_resolve
    from bpcli.selection.range_test import range_test

    prepared, resolved = prepare_and_resolve(loaded)
    found = range_test(resolved, prepared)
    if json:
        import json as format

        typer.echo(format.dumps({"schema_version": 1, **found.facts()}))
    elif terminal.verbosity >= 0:
        terminal.result(range_curve(found.facts()))
