"""bpcli predict: predictions of a trained model for a CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli import options, studies

if TYPE_CHECKING:
    from bpcli.display.console import Terminal
    from bpcli.runs.predict import Predictions

STDOUT = Path("-")


def predict(
    run: options.Run,
    data: options.Data,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="CSV to write; - writes standard output.")
    ] = STDOUT,
    delimiter: options.Delimiter = None,
    encoding: options.Encoding = None,
    decimal: options.Decimal = None,
    interval: options.Interval = None,
    doubt: Annotated[
        bool,
        typer.Option(
            "--doubt",
            help="Write for each row how many of its cells are unseen, missing and out_of_range, "
            "and the distance beyond the training rows.",
        ),
    ] = False,
    fail_on: Annotated[
        list[str],
        typer.Option(
            "--fail-on",
            metavar="KIND>LIMIT",
            help="End with exit code 9 where the share of rows with a doubt is above a limit, "
            "e.g. 'unseen>0.05', or the largest distance, e.g. 'distance>3'; may be repeated.",
        ),
    ] = [],  # noqa: B006  Typer wants a list and never changes it
    explain: Annotated[
        int,
        typer.Option(
            "--explain",
            metavar="N",
            min=0,
            show_default=False,
            help="Add the N columns that a prediction owes most to, as reason_1 …, and what each "
            "adds to it, as attribution_1 ….",
        ),
    ] = 0,
    spreadsheet_safe: Annotated[
        bool,
        typer.Option(
            "--spreadsheet-safe",
            help="Write a ' in front of texts that a spreadsheet would run, such as =1+1.",
        ),
    ] = False,
    spread: Annotated[
        bool,
        typer.Option(
            "--spread",
            help="Add a column for each number: its standard deviation over an ensemble's members.",
        ),
    ] = False,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="WHERE",
            show_default=False,
            help="Compute on a Dask cluster whose workers see the model at the same path: local:4, "
            "tcp://HOST:8786, or its scheduler.json (extra: dask). The predictions stay the same.",
        ),
    ] = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Write predictions for every row of a CSV.

    The file is read and written in parts, so it may be larger than the memory. A prediction
    depends on its row alone. Columns are matched by name; the target column is not needed. The
    result has the row number, the ids, the target where the file has it, the prediction, and
    p_<class> for each class. With --interval it has lower and upper, or the set of classes.

    Examples:

      bpcli predict runs/iris-1 flowers.csv -o predictions.csv

      cat flowers.csv | bpcli predict runs/iris-1 - | head

      bpcli predict runs/iris-1 flowers.csv --interval 0.9 --doubt --fail-on 'unseen>0.05'

      bpcli predict runs/iris-1 flowers.csv --explain 3
    """
    from bpcli.display.console import open_terminal
    from bpcli.display.text import PATH, show
    from bpcli.runs.threads import use_threads_of

    terminal = open_terminal(quiet=quiet)
    studies.require_place(cluster)
    use_threads_of(run)

    from contextlib import nullcontext

    from bpcli.config.errors import BpcliError, NotMetError
    from bpcli.runs.extras import Asked
    from bpcli.runs.limits import limit
    from bpcli.runs.output import writing
    from bpcli.runs.predict import Predictions
    from bpcli.runs.predicted import on_cluster
    from bpcli.runs.signals import Interrupted

    try:
        limits = tuple(map(limit, fail_on))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--fail-on") from None
    asked = Asked(options.level(interval), doubt, limits, explain)
    with nullcontext() if cluster is None else on_cluster(cluster, run) as by:
        with options.usage():
            dialect = options.dialect(delimiter, encoding, decimal)
            predictions = Predictions(run, data, dialect, asked, by)
        try:
            parts = predictions.csv(spreadsheet_safe=spreadsheet_safe, spread=spread)
            with writing(output, keep=data, force=force) as write:
                for part in parts:
                    write(part)
                predictions.require()
        except Interrupted as asked:
            typer.echo(f"{asked}: {_left(predictions.reader.rows, output)}", err=True)
            raise typer.Exit(asked.exit_code) from None
        except NotMetError as error:
            _say(terminal, predictions)
            if output == STDOUT:
                error.consequence = f"all {predictions.reader.rows} rows were printed"
            raise
        except BpcliError as error:
            error.consequence = _left(predictions.reader.rows, output)
            raise
    _say(terminal, predictions)
    if output != STDOUT:
        terminal.say(f"wrote {predictions.reader.rows} predictions to {show(str(output), PATH)}")


def _say(terminal: Terminal, predictions: Predictions) -> None:
    """What is noteworthy about the file."""
    from bpcli.display.messages import notice_lines, print_lines

    if terminal.verbosity >= 0:
        print_lines(terminal.err, notice_lines(predictions.notices))


def _left(rows: int, output: Path) -> str:
    """What there is of a result that did not come to its end."""
    if output == STDOUT:
        return f"after {rows} rows; what was printed is not all"
    return f"after {rows} rows; nothing was written"
