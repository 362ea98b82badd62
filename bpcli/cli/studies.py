"""What lr-sweep, cv and tune share: options, and the watch over a sitting to its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bpcli.cli.ending import say_how_to_go_on

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bpcli.display.console import Terminal
    from bpcli.runs.sitting import Place, Sitting

Result = TypeVar("Result")

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


Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="WHERE",
        envvar="BPCLI_CLUSTER",
        show_envvar=False,
        help="Train on a Dask cluster: local:4 (processes of this machine), tcp://HOST:8786, or "
        "its scheduler.json.  [env: BPCLI_CLUSTER; extra: dask]",
    ),
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
    output: Path | None,
    jobs: int | None = None,
    cluster: str | None = None,
    *,
    force: bool = False,
    resume: bool = False,
) -> Place:
    """Where and how: on a cluster, or by one worker process a core unless told otherwise."""
    from bpcli.config.threads import physical_cores
    from bpcli.runs.sitting import Place

    if cluster and jobs:
        raise typer.BadParameter("excludes --jobs", param_hint="--cluster")
    require_place(cluster)
    return Place(output, jobs or physical_cores(), force, resume, cluster or None)


def require_place(cluster: str | None) -> None:
    """--cluster names one of the kinds that there are."""
    from bpcli.execution.cluster import is_place

    if cluster and not is_place(cluster):
        what = "expected local:N, tcp://HOST:PORT, tls://HOST:PORT, or a scheduler's .json file"
        raise typer.BadParameter(what, param_hint="--cluster")


def done(
    terminal: Terminal,
    sitting: Sitting,
    finish: Callable[[], Result],
    again: list[str],
    below: Callable[[], RenderableType] | None = None,
) -> Result:
    """Show the trainings, and finish; on a signal say what is kept, and the words to go on.

    `below` gives what a terminal shows of them beside their number.
    """
    from bpcli.runs.signals import Interrupted

    try:
        _watch(terminal, sitting, below)
        return finish()
    except Interrupted as asked:
        say_how_to_go_on(asked, sitting.on_disk, again)
        raise typer.Exit(asked.exit_code) from None


def _watch(
    terminal: Terminal, sitting: Sitting, below: Callable[[], RenderableType] | None
) -> None:
    from bpcli.display.messages import notice_lines, print_lines
    from bpcli.display.progress import CountProgress

    quiet = terminal.verbosity < 0
    known = () if quiet else sitting.notices
    print_lines(terminal.err, notice_lines(known))
    shown = CountProgress(terminal.err, terminal.interactive, "trainings", quiet, below)
    with shown as progress:
        for step in sitting:
            progress.update(*step)
    if not quiet:
        later = (*sitting.notices[len(known) :], *sitting.search.failures)
        print_lines(terminal.err, notice_lines(later))
