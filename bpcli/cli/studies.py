"""What lr-sweep and cv share: options, the watch over a sitting, and how to go on with it."""

from __future__ import annotations

import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bpcli.display.console import Terminal
    from bpcli.runs.signals import Interrupted
    from bpcli.runs.sitting import Place, Sitting

ONE_THREAD = "threads=1"  # jobs, not threads, share the work

Folds = Annotated[int | None, typer.Option(min=2, help="The same as --set split.folds=N.")]
Repeats = Annotated[int | None, typer.Option(min=1, help="The same as --set split.repeats=N.")]
Group = Annotated[
    str | None, typer.Option(metavar="COL", help="Keep the rows of a group in one fold.")
]
Time = Annotated[
    str | None, typer.Option(metavar="COL", help="Hold out what is newer than the rows trained on.")
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, help="Worker processes.  [default: the cores]"),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with what is finished in the folder of -o.")
]


def folding(
    folds: int | None, repeats: int | None, group: str | None, time: str | None
) -> list[str]:
    """--folds, --repeats, --group and --time as PATH=VALUE."""
    short = {
        "split.folds": folds,
        "split.repeats": repeats,
        "data.group": group,
        "data.time": time,
        "split.method": "group" if group else "time" if time else None,
    }
    return [f"{key}={value}" for key, value in short.items() if value is not None]


def require_output(output: Path | None, *, resume: bool, force: bool) -> None:
    """--resume needs to know where, and is not --force."""
    if resume and (output is None or force):
        raise typer.BadParameter("needs -o FOLDER, and excludes --force", param_hint="--resume")


def place(
    output: Path | None, jobs: int | None = None, *, force: bool = False, resume: bool = False
) -> Place:
    """Where and how, by one worker process a core unless told otherwise."""
    from bpcli.config.threads import physical_cores
    from bpcli.runs.sitting import Place

    return Place(output, jobs or physical_cores(), force=force, resume=resume)


def watch(terminal: Terminal, sitting: Sitting, again: list[str]) -> None:
    """Show the trainings to their end; on a signal say what is kept, and the words to go on."""
    from bpcli.display.messages import notice_lines, print_lines
    from bpcli.display.progress import CountProgress
    from bpcli.runs.signals import Interrupted

    quiet = terminal.verbosity < 0
    known = () if quiet else sitting.notices
    print_lines(terminal.err, notice_lines(known))
    try:
        with CountProgress(terminal.err, terminal.interactive, "trainings", quiet) as progress:
            for step in sitting:
                progress.update(*step)
    except Interrupted as asked:
        _say_how_to_go_on(sitting, again, asked)
        raise typer.Exit(asked.exit_code) from None
    if not quiet:
        later = (*sitting.notices[len(known) :], *sitting.search.failures)
        print_lines(terminal.err, notice_lines(later))


def _say_how_to_go_on(sitting: Sitting, again: list[str], asked: Interrupted) -> None:
    from bpcli.display.text import PATH, show

    done, needed = sitting.progress
    with suppress(OSError):  # the terminal may be what has gone
        kept = f"{show(str(sitting.folder), PATH)} keeps {done} of {needed} trainings"
        typer.echo(f"{asked}: {kept}", err=True)
        typer.echo(f"go on with: {show(shlex.join(again), PATH)}", err=True)
