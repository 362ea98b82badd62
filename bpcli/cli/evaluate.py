"""bpcli evaluate: metrics of a trained model on a labelled CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bpcli.cli import options

if TYPE_CHECKING:
    from bpcli.runs.evaluate import Evaluation


def evaluate(
    run: options.Run,
    data: options.Data,
    delimiter: options.Delimiter = None,
    encoding: options.Encoding = None,
    decimal: options.Decimal = None,
    interval: options.Interval = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare a model's predictions with the target column of a CSV.

    Clusters are scored without one, and compared with the known groups that data.label named.

    Examples:

      bpcli evaluate runs/iris-1 new_flowers.csv

      bpcli evaluate runs/iris-1 new_flowers.csv --json

      bpcli evaluate runs/iris-1 new_flowers.csv --interval 0.9
    """
    from bpcli.display.console import open_terminal
    from bpcli.runs.threads import use_threads_of

    terminal = open_terminal(quiet=quiet)
    use_threads_of(run)

    from bpcli.display.certainty import coverage, threshold
    from bpcli.display.closing import details
    from bpcli.display.messages import notice_lines, print_lines
    from bpcli.display.tables import metrics_table
    from bpcli.runs.evaluate import evaluate_model
    from bpcli.runs.extras import Asked

    asked = Asked(options.level(interval))
    with options.usage():
        dialect = options.dialect(delimiter, encoding, decimal)
        evaluation = evaluate_model(run, data, dialect, asked)
    if not quiet:
        print_lines(terminal.err, notice_lines(evaluation.notices))
    if json:
        _print_json(evaluation)
        return
    title = f"{evaluation.assessment.rows:,} rows"
    intervals = title, evaluation.assessment.intervals
    terminal.result(metrics_table({title: evaluation.metrics}, intervals=intervals))
    for part in ("", *details(evaluation.assessment)):
        terminal.result(part)
    if evaluation.decision is not None:
        terminal.result(f"threshold: {threshold(*evaluation.decision)}")
    if evaluation.coverage is not None:
        terminal.result(coverage(evaluation.coverage, "rows"))


def _print_json(evaluation: Evaluation) -> None:
    import json

    facts = {"schema_version": 1, "metrics": evaluation.metrics, **evaluation.assessment.record()}
    if evaluation.decision is not None:
        facts["decision"] = dict(zip(("positive", "threshold"), evaluation.decision, strict=True))
    if evaluation.coverage is not None:
        facts["conformal"] = evaluation.coverage.record()
    typer.echo(json.dumps(facts))
