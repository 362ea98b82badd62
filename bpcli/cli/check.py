"""bpcli check: what in the data of a config makes its score look better than it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli import options

if TYPE_CHECKING:
    from bpcli.display.console import Terminal
    from bpcli.experiment.problem import LearningProblem
    from bpcli.insight.audit.audit import Audit
    from bpcli.insight.audit.shuffled import Beyond


def check(
    config: options.ConfigFile,
    strict: Annotated[
        bool, typer.Option("--strict", help="Take findings for errors: exit code 9.")
    ] = False,
    permute: Annotated[
        int,
        typer.Option(
            "--permute",
            metavar="N",
            min=0,
            show_default=False,
            help="Also train N times on shuffled targets, 20 for instance: what is learned then "
            "should not hold for rows held out.",
        ),
    ] = 0,
    sets: options.Set = [],  # noqa: B006  Typer wants a list and never changes it
    seed: options.Seed = None,
    threads: options.Threads = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Look at the data of a config for leaks and faults; train nothing unless asked to.

    Columns: the target or a function of it among the inputs, a column that alone predicts,
    identifiers, constants, equal columns. Rows: repeated ones, inside a set and in two of them,
    like inputs with different targets, groups and neighbours in time that the split parts, classes
    rarer than there are folds. Sets: columns distributed otherwise in rows held out.

    Examples:

      bpcli check config.yaml

      bpcli check config.yaml --strict --permute 20
    """
    if permute == 1:
        raise typer.BadParameter("expected 2 trainings or more", param_hint="--permute")
    from bpcli.display.console import open_terminal
    from bpcli.experiment.load import load

    terminal = open_terminal(quiet=quiet)
    loaded = load(config, options.assignments(sets, seed, threads))

    from bpcli.display.audit import audit_parts
    from bpcli.display.messages import notice_lines, print_lines
    from bpcli.experiment.problem import LearningProblem
    from bpcli.insight.audit.audit import audit
    from bpcli.runs.resolved import prepare_with_target

    prepared, resolved = prepare_with_target(loaded)
    problem = LearningProblem.of(resolved, prepared)
    found, beyond = audit(problem), None
    if permute:
        beyond = _permuted(terminal, problem, permute)
        found = found._replace(findings=(*found.findings, *beyond.notices()))
    if not quiet and not json:
        print_lines(terminal.err, notice_lines(found.notes))
    if strict:
        found.require_none()
    if json:
        _print_json(found, beyond)
        return
    for part in audit_parts(found, beyond, prepared.table.n_rows):
        terminal.result(part)


def _permuted(terminal: Terminal, problem: LearningProblem, count: int) -> Beyond:
    """The trainings, with their progress."""
    from time import perf_counter

    from bpcli.display.progress import CountProgress
    from bpcli.insight.audit.shuffled import Beyond, shuffled_trainings

    start, quiet, rows, found = perf_counter(), terminal.verbosity < 0, "", list[float]()
    with CountProgress(terminal.err, terminal.interactive, "trainings", quiet) as progress:
        for rows, correlation in shuffled_trainings(problem, count):  # noqa: B007  told at the end
            found.append(correlation)
            progress.update(len(found), count, perf_counter() - start)
    return Beyond(rows, tuple(found))


def _print_json(found: Audit, beyond: Beyond | None) -> None:
    import json

    facts = {
        "schema_version": 1,
        "findings": [one._asdict() for one in found.findings],
        "notes": [one._asdict() for one in found.notes],
        "shuffled": None if beyond is None else beyond.record(),
    }
    typer.echo(json.dumps(facts))
