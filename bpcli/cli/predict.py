"""bpcli predict: predictions of a trained model for a CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bpcli.cli import options

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
    spreadsheet_safe: Annotated[
        bool,
        typer.Option(
            "--spreadsheet-safe",
            help="Write a ' in front of texts that a spreadsheet would run, such as =1+1.",
        ),
    ] = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Write predictions for every row of a CSV.

    The file is read and written in parts, so it may be larger than the memory. A prediction
    depends on its row alone. Columns are matched by name; the target column is not needed. The
    result has the row number, the ids, the target where the file has it, the prediction, and
    p_<class> for each class.

    Examples:

      bpcli predict runs/iris-1 flowers.csv -o predictions.csv

      cat flowers.csv | bpcli predict runs/iris-1 - | head
    """
    from bpcli.display.console import open_terminal
    from bpcli.display.messages import notice_lines, print_lines
    from bpcli.display.text import PATH, show
    from bpcli.runs.threads import use_threads_of

    terminal = open_terminal(quiet=quiet)
    use_threads_of(run)

    from bpcli.runs.output import writing
    from bpcli.runs.predict import Predictions

    with options.usage():
        predictions = Predictions(run, data, options.dialect(delimiter, encoding, decimal))
    try:
        with writing(output, keep=data, force=force) as write:
            for part in predictions.csv(spreadsheet_safe=spreadsheet_safe):
                write(part)
    except KeyboardInterrupt:
        typer.echo(f"interrupted after {predictions.reader.rows} rows", err=True)
        raise typer.Exit(130) from None
    if not quiet:
        print_lines(terminal.err, notice_lines(predictions.notices))
    if output != STDOUT:
        terminal.say(f"wrote {predictions.reader.rows} predictions to {show(str(output), PATH)}")
