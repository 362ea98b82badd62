"""bpcli explain: which columns a model's predictions and score come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli import options

if TYPE_CHECKING:
    from bpcli.display.console import Terminal
    from bpcli.runs.explain import Explanation, Wanted


def explain(
    run: options.Run,
    data: options.Data,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for explain.csv, explain.json, attributions.csv, and with --pdp "
            "effects.csv and curves.csv.",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric", help="Of permutation importance.  [default: rmse, log_loss, brier_macro]"
        ),
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, help="Permutations of each column.")
    ] = 10,
    rows: Annotated[
        int | None,
        typer.Option(
            "--rows", min=1, help="Take at most so many rows.  [default: 1000; --shapley 100]"
        ),
    ] = None,
    shapley: Annotated[
        bool,
        typer.Option(
            "--shapley",
            help="Shapley values in place of integrated gradients: exact to 12 columns, sampled "
            "above.",
        ),
    ] = False,
    background: Annotated[
        int,
        typer.Option("--background", min=1, help="Rows that Shapley values are compared with."),
    ] = 20,
    steps: Annotated[
        int, typer.Option("--steps", min=1, max=1000, help="Steps of integrated gradients.")
    ] = 100,
    pdp: Annotated[
        list[str],
        typer.Option(
            "--pdp",
            metavar="COLUMN",
            help="Partial dependence, single rows' curves and accumulated local effects of a "
            "column; may be repeated.",
        ),
    ] = [],  # noqa: B006  Typer wants a list and never changes it
    picture: Annotated[
        bool,
        typer.Option("--picture", help="With -o, also explain.svg and .png (extra: report)."),
    ] = False,
    delimiter: options.Delimiter = None,
    encoding: options.Encoding = None,
    decimal: options.Decimal = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Of what is drawn.  [default: as trained]")
    ] = None,
    force: options.Force = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Say which columns a model's predictions come from.

    All is said of the columns of the CSV: what belongs to one, such as the inputs of its
    categories, is taken together. Where DATA is the file that RUN was trained on, its test rows
    are looked at.

    Permutation importance is how much worse the score gets when a column is shuffled, with the
    standard error over the permutations. Columns that go together are shuffled together too.
    Attributions share out each prediction, less that of a reference row, among the columns.

    Examples:

      bpcli explain runs/wine-1 data/wine.csv

      bpcli explain runs/wine-1 data/wine.csv --pdp alcohol --pdp hue -o why

      bpcli explain runs/iris-1 data/iris.csv --shapley --json
    """
    if picture and output is None:
        raise typer.BadParameter("needs a folder, -o", param_hint="--picture")
    from bpcli.display.console import open_terminal
    from bpcli.runs.threads import use_threads_of

    terminal = open_terminal(quiet=quiet)
    use_threads_of(run)

    from bpcli.display.explanation import explanation_parts
    from bpcli.display.messages import notice_lines, print_lines
    from bpcli.runs.explain import Wanted
    from bpcli.runs.explained import explained, write_explanation

    wanted = Wanted(metric, repeats, rows, shapley, background, steps, tuple(pdp), seed)
    with options.usage():
        dialect = options.dialect(delimiter, encoding, decimal)
        explanation = _explained(terminal, run, data, dialect, wanted)
    if output is not None:
        write_explanation(explanation, output, data, force=force)
        if picture:
            _draw(explanation, output, data, force=force)
    if not quiet:
        print_lines(terminal.err, notice_lines(explanation.notices))
    if json:
        import json as text

        typer.echo(text.dumps(explained(explanation)))
        return
    for part in explanation_parts(explanation):
        terminal.result(part)


def _explained(
    terminal: Terminal, run: Path, data: Path, dialect: dict[str, str], wanted: Wanted
) -> Explanation:
    """The explanation, with its progress on a terminal."""
    from time import perf_counter

    from bpcli.display.progress import CountProgress
    from bpcli.runs.explain import UnknownName, explain_model

    silent = not terminal.interactive or terminal.verbosity < 0
    start = perf_counter()
    with CountProgress(terminal.err, terminal.interactive, "rows", silent) as progress:

        def tell(noun: str, done: int, total: int) -> None:
            progress.update(done, total, perf_counter() - start, noun)

        try:
            return explain_model(run, data, dialect, wanted, tell)
        except UnknownName as error:
            raise typer.BadParameter(str(error), param_hint=error.option) from None


def _draw(explanation: Explanation, folder: Path, data: Path, *, force: bool) -> None:
    from bpcli.display.pictures import explanation_picture
    from bpcli.runs.files import creating

    for kind in ("svg", "png"):
        with creating(folder / f"explain.{kind}", keep=data, force=force) as file:
            file.write(explanation_picture(explanation, kind))
