"""bpcli report: one HTML file about a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli import options

if TYPE_CHECKING:
    from bpcli.display.console import Terminal
    from bpcli.runs.report import Report


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a completed run.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="HTML file to write.  [default: RUN/report.html]"),
    ] = None,
    sweep: Annotated[
        Path | None,
        typer.Option(
            "--sweep", metavar="FOLDER", help="Also show a learning-rate sweep, by its folder."
        ),
    ] = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Write all about a run into one HTML file that opens offline (extra: report).

    Scores with baselines and intervals, confusion or errors, reliability of probabilities,
    importances, loss curves, data and columns, config, environment, the commands to repeat it; and
    a form that runs the trained network in the page. The file asks for nothing from the network.

    Examples:

      bpcli report runs/wine-1

      bpcli report runs/wine-1 -o wine.html --sweep runs/wine-2
    """
    from bpcli.display.console import open_terminal
    from bpcli.runs.threads import use_threads_of

    terminal = open_terminal(quiet=quiet)
    use_threads_of(run)

    from bpcli.display.report.page import report_page
    from bpcli.display.text import PATH, show
    from bpcli.runs.files import require_new, write_new
    from bpcli.runs.folder import MODEL, REPORT

    place = output or run / REPORT
    require_new(place, keep=run / MODEL, force=force)  # now, not when all is worked out
    page = report_page(_read(terminal, run, sweep))
    write_new(place, page, keep=run / MODEL, force=force)
    terminal.say(f"wrote {show(str(place), PATH)}")


def _read(terminal: Terminal, run: Path, sweep: Path | None) -> Report:
    """The facts, with the progress of the explanation on a terminal."""
    from time import perf_counter

    from bpcli.display.progress import CountProgress
    from bpcli.runs.report import read_report

    silent = not terminal.interactive or terminal.verbosity < 0
    start = perf_counter()
    with CountProgress(terminal.err, terminal.interactive, "rows", silent) as progress:

        def tell(noun: str, done: int, total: int) -> None:
            progress.update(done, total, perf_counter() - start, noun)

        return read_report(run, sweep, tell)
