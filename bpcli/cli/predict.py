"""bpcli predict: predictions of a trained model for a CSV."""

from __future__ import annotations

import sys
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
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Write predictions for every row of a CSV.

    Columns are matched by name; the target column is not needed. The result has the row number,
    the ids, the target where the file has it, the prediction, and p_<class> for each class.

    Examples:

      bpcli predict runs/iris-1 flowers.csv -o predictions.csv

      cat flowers.csv | bpcli predict runs/iris-1 - | head
    """
    from bpcli.display.console import open_terminal
    from bpcli.display.messages import notice_lines, print_lines
    from bpcli.runs.threads import use_threads_of

    terminal = open_terminal(quiet=quiet)
    use_threads_of(run)

    from bpcli.runs.files import write_new
    from bpcli.runs.predict import predict as predict_rows

    predicted = predict_rows(run, data)
    if not quiet:
        print_lines(terminal.err, notice_lines(predicted.notices))
    text = predicted.csv()
    if output == STDOUT:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
        return
    write_new(output, text, keep=data, force=force)
    terminal.say(f"wrote {predicted.table.n_rows} predictions to {output}")
