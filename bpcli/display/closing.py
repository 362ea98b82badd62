"""The last words of a training run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from bpcli.display.figures import counted, duration, number
from bpcli.display.plots import STYLES, log_scaled, loss_curve, sparkline
from bpcli.display.tables import Metrics, metrics_table
from bpcli.display.text import PATH, show

_TERMS = 8  # slopes of an equation that are shown; metrics.json has them all


@dataclass(frozen=True)
class RunSummary:
    """What is worth saying when a run has ended."""

    folder: str
    target: str
    metrics: Mapping[str, Metrics]
    baseline: Metrics
    baseline_predicts: str
    coefficients: Mapping[str, float] | None  # of a linear regression
    stop_reason: str
    epochs: int
    iterations: int
    best_epoch: int | None
    seconds: float
    train_losses: Sequence[float]
    validation_losses: Sequence[float | None] = ()


def closing(run: RunSummary) -> RenderableType:
    """The curves, the metrics, why and when training stopped, the files, and what comes next."""
    command = f"bpcli predict {shlex.quote(run.folder)} data.csv"
    metrics = (metrics_table(run.metrics, run.baseline), Text()) if run.metrics else ()
    return Group(
        _Curves(run),
        *metrics,
        _facts(run),
        Text(),
        Text.assemble(("Next: ", "bold"), (show(command, PATH), "cyan"), overflow="fold"),
    )


def _facts(run: RunSummary) -> Table:
    work = f"{counted(run.epochs, 'epoch')}, {counted(run.iterations, 'iteration')}"
    best = "" if run.best_epoch is None else f"; weights of the best epoch, {run.best_epoch}"
    facts = {
        "baseline": show(run.baseline_predicts, 200),
        **({"model": equation(run.target, run.coefficients)} if run.coefficients else {}),
        "stopped": show(run.stop_reason, 200),
        "trained": f"{work} in {duration(run.seconds)}{best}",
        "files": show(run.folder, PATH),
    }
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in facts.items():
        table.add_row(Text(name), Text(fact))
    return table


def equation(target: str, coefficients: Mapping[str, float]) -> str:
    """`y = 2.000 x + 0.000`: a linear model in the units of the data, its intercept last."""
    *slopes, intercept = coefficients.values()
    if abs(intercept) < 5e-4 <= max(map(abs, slopes), default=0):
        intercept = 0.0  # beside such slopes, what is left of it is rounding
    terms = [f"{_signed(slope)} {show(name)}" for name, slope in zip(coefficients, slopes)]  # noqa: B905  the intercept has no slope
    shown = [*terms[:_TERMS], *(["+ …"] if len(terms) > _TERMS else []), _signed(intercept)]
    return f"{show(target)} = {' '.join(shown).removeprefix('+ ')}"


def _signed(value: float) -> str:
    return f"{'−' if value < 0 else '+'} {number(abs(value))}"


class _Curves:
    """The losses over the epochs: a plot where it fits, else one line each."""

    def __init__(self, run: RunSummary) -> None:
        validation = [loss for loss in run.validation_losses if loss is not None]
        self._losses: list[Sequence[float]] = [run.train_losses, validation]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        train, validation = self._losses
        if len(train) < 2:
            return
        width, ascii_only = min(options.max_width, 80), options.ascii_only
        if width >= 60:
            yield loss_curve(train, validation, width, height=8, ascii_only=ascii_only)
            yield self._legend("*o" if ascii_only else "━━")
        else:
            for losses, style in zip(self._losses, STYLES, strict=True):
                yield Text(sparkline(losses, width, ascii_only), style)
        yield Text()

    def _legend(self, marks: str) -> Text:
        series = zip(marks, ("train", "validation"), self._losses, STYLES, strict=True)
        legend = Text("   ").join(
            Text.assemble((mark, style), f" {name} {number(losses[0])} → {number(losses[-1])}")
            for mark, name, losses, style in series
            if losses
        )
        if log_scaled(loss for losses in self._losses for loss in losses):
            legend.append("   log scale", "dim")
        return legend
