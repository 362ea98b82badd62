"""bpcli lr-sweep: the learning rate that cross-validation chooses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bpcli.cli import options, studies

if TYPE_CHECKING:
    from bpcli.display.console import Terminal
    from bpcli.experiment.load import Loaded
    from bpcli.runs.sitting import Place
    from bpcli.runs.sweep import SweepRun


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
        Literal["lowest-loss", "min", "one-se"] | None,
        typer.Option(help="The same as --set lr_sweep.rule=…"),
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
    cluster: studies.Cluster = None,
    resume: studies.Resume = False,
    sets: options.Set = [],  # noqa: B006  Typer wants a list and never changes it
    seed: options.Seed = None,
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> None:
    """Choose a learning rate by cross-validation, with error bars.

    Every rate is trained on the same folds; test rows are never touched. Where training stops by
    validation rows, a fold is scored after the epochs that the other folds take. Of the rates
    within one standard error of the best score, the one with the lowest loss is chosen (--rule).
    Rates × folds train at once, with the bits of each training alone, whatever the number of jobs.

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
    run = SweepRun(settings, studies.place(output, jobs, cluster, force=force, resume=resume), key)
    who = {"-j": jobs, "--cluster": cluster}
    asked = {"--also": also, "--write": write, "--train": go_on, "--picture": picture}
    others = options.given({"-o": run.folder, "--resume": True, **who, **asked, "--json": json})
    again = options.words("lr-sweep", config, assignments, *others)
    with run.sitting:
        studies.done(terminal, run.sitting, run.finish, again)
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
    terminal: Terminal, loaded: Loaded, place: Place, again: Callable[[Path], list[str]]
) -> Loaded:
    """The config of `learning_rate: auto` with the rate of a sweep beside the run of `place`.

    `again` gives the words to go on with, by the folder of the sweep.
    """
    from bpcli.runs.sweep import SweepRun

    if place.output is not None:
        beside = place.output.with_name(f"{place.output.name}-lr-sweep")
        place = place._replace(output=beside)
    run = SweepRun({"": loaded.with_values(threads=1)}, place)
    with run.sitting:
        choice = studies.done(terminal, run.sitting, run.finish, again(run.folder))
    rate = choice.winner.rate
    terminal.say(f"learning_rate: auto is {rate:g}, chosen in {run.folder}")
    return loaded.with_values(learning_rate=rate)


def _settings(
    config: Path, assignments: list[str], also: str | None
) -> tuple[dict[str, Loaded], str]:
    """The configs by the value of the second key, and its name; one of "" without such a key."""
    from bpcli.experiment.load import load

    if also is None:
        return {"": load(config, [*assignments, studies.ONE_THREAD])}, ""
    key, given, values = also.partition("=")
    if not given or not values.strip():
        raise typer.BadParameter("expected PATH=A,B,…", param_hint="--also")
    names = dict.fromkeys(value.strip() for value in _split(values))
    others = [*assignments, studies.ONE_THREAD]
    return {name: load(config, [*others, f"{key}={name}"]) for name in names}, key


def _split(values: str) -> list[str]:
    """At the commas that are in no bracket: `[{dense: 8}, relu],mlp` are two values."""
    parts, depth = [""], 0
    for character in values:
        depth += (character in "[{") - (character in "]}")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _conclude(terminal: Terminal, run: SweepRun, written: Path | None, *, json: bool) -> None:
    if json:
        import json as format

        typer.echo(format.dumps({**run.facts(), "run": str(run.folder)}))
        return
    if terminal.verbosity < 0:
        return
    from bpcli.display.sweep import choice_lines, heat_map, sweep_table

    facts = run.facts()
    terminal.result(sweep_table(facts, [run.search.seconds(one) for one in run.search.candidates]))
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
    from bpcli.runs.resolved import prepare_with_target
    from bpcli.selection.range_test import range_test

    prepared, resolved = prepare_with_target(loaded)
    found = range_test(resolved, prepared)
    if json:
        import json as format

        typer.echo(format.dumps({"schema_version": 1, **found.facts()}))
    elif terminal.verbosity >= 0:
        terminal.result(range_curve(found.facts()))
