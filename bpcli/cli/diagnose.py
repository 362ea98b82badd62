"""bpcli diagnose: what ails a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bpcli.cli import options

if TYPE_CHECKING:
    from bpcli.experiment.load import Loaded
    from bpcli.insight.diagnosis import Told


def diagnose(
    subject: Annotated[
        Path, typer.Argument(metavar="RUN|CONFIG", help="A run folder, or a config to try.")
    ],
    fix: Annotated[
        Path | None,
        typer.Option("--fix", metavar="FILE", help="Write the config with the remedies in it."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with exit code 9 where something is found.")
    ] = False,
    sets: options.Set = [],  # noqa: B006  Typer wants a list and never changes it
    seed: options.Seed = None,
    threads: options.Threads = None,
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Name what keeps a network from learning, with evidence and remedy.

    Of a completed run from its folder; of a config by a training of some seconds, which leaves no
    files. Looks for vanishing gradients, exploding activations, dead and saturated units, learning
    rates too high and too low, unscaled inputs and targets, a constant target, and overfitting.

    Examples:

      bpcli diagnose runs/first

      bpcli diagnose config.yaml --fix better.yaml

      bpcli diagnose config.yaml --strict --json
    """
    from bpcli.display.console import open_terminal
    from bpcli.display.text import PATH, show

    terminal = open_terminal(quiet=quiet)
    if fix is not None:
        from bpcli.runs.files import require_new

        require_new(fix, keep=subject, force=force)
    if subject.is_dir():
        found, loaded = _of_run(subject)
    else:
        from bpcli.experiment.load import load

        loaded = load(subject, options.assignments(sets, seed, threads))
        found = _of_config(loaded)
    if json:
        _print_json(found)
    else:
        from bpcli.display.diagnosis import diagnosis

        for part in diagnosis(found):
            terminal.result(part)
    if fix is not None:
        written = _write(loaded, found, fix, force=force)
        terminal.say(f"{show(str(fix), PATH)}: {written}")
    if strict and found:
        raise typer.Exit(9)


def _of_run(folder: Path) -> tuple[list[Told], Loaded]:
    """The findings of a run, and its config as given, with data paths from its folder."""
    from bpcli.experiment.load import load
    from bpcli.runs.folder import GIVEN, RESOLVED
    from bpcli.runs.stored import StoredRun

    run = StoredRun.read(folder)
    loaded = load(folder / RESOLVED)

    from bpcli.runs.diagnosed import diagnosed

    given = folder / GIVEN
    text = given.read_text(encoding="utf-8") if given.exists() else loaded.text
    return diagnosed(run, loaded.config), loaded._replace(path=given, text=text)


def _of_config(loaded: Loaded) -> list[Told]:
    from bpcli.experiment.problem import LearningProblem
    from bpcli.insight.diagnosis import trial
    from bpcli.runs.resolved import prepare_and_resolve

    prepared, resolved = prepare_and_resolve(loaded)
    return trial(LearningProblem.of(resolved, prepared))


def _write(loaded: Loaded, found: list[Told], path: Path, *, force: bool) -> str:
    """The changes that were written, as a sentence."""
    from bpcli.runs.copied import write_copy

    changes = {
        change: f"diagnose found {told.finding.rule.name}"
        for told in found
        for change in told.finding.changes
    }
    write_copy(loaded, path, changes, force=force)
    return f"written with {', '.join(changes)}" if changes else "written without a change"


def _print_json(found: list[Told]) -> None:
    import json

    facts = {"schema_version": 1, "findings": [_facts(told) for told in found]}
    typer.echo(json.dumps(facts))


def _facts(told: Told) -> dict[str, Any]:
    finding = told.finding
    return {
        "id": finding.rule.id,
        "name": finding.rule.name,
        "where": finding.where,
        "members": told.members,
        "evidence": finding.what,
        "remedy": finding.remedy,
        "changes": finding.changes,
    }
