"""The last words of a training run."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from bpcli.config.errors import listing
from bpcli.display.certainty import certainty
from bpcli.display.figures import counted, duration, number
from bpcli.display.plots import STYLES, log_scaled, loss_curve, sparkline
from bpcli.display.tables import (
    Metrics,
    confusion_table,
    facts_table,
    metrics_table,
    scores_table,
)
from bpcli.display.text import PATH, show
from bpcli.experiment.assessment import Assessment
from bpcli.experiment.certainty import Certainty
from bpcli.experiment.coefficients import Equations
from bpcli.experiment.stopping import Record
from bpcli.runs.results import Member

_PARTS = 10  # classes or targets that are shown one by one; metrics.json has them all
_EQUATIONS = 4  # lines that a model may take
_LEFT = {
    "value": "{}",
    "log": "log {}",
    "log-odds": "log-odds of {}",
    "centred log p": "log p({}) − mean log p",
}
_TERMS = 8  # slopes of an equation that are shown; metrics.json has them all


@dataclass(frozen=True)
class RunSummary:
    """What is worth saying when a run has ended."""

    folder: str
    metrics: Mapping[str, Metrics]
    baseline: Metrics
    baseline_predicts: str
    equations: Equations | None  # of a linear model
    held_out: str  # the data set that the details are of
    details: Assessment
    certainty: Certainty
    members: Sequence[Member]
    iterations: int  # of all members
    records: Sequence[Record]


def closing(run: RunSummary) -> RenderableType:
    """The curves, the metrics, why and when training stopped, the files, and what comes next."""
    command = f"bpcli predict {shlex.quote(run.folder)} data.csv"
    intervals = run.held_out, run.details.intervals
    return Group(
        _Curves(run),
        metrics_table(run.metrics, run.baseline, intervals),
        Text(),
        *details(run.details),
        _facts(run),
        Text(),
        Text.assemble(("Next: ", "bold"), (show(command, PATH), "cyan"), overflow="fold"),
    )


def details(assessment: Assessment) -> Iterator[RenderableType]:
    """The scores of each class, label, target or level, and the confusions, where they are few."""
    for kind, parts in assessment.parts.items():
        if len(parts) <= _PARTS:
            yield scores_table(kind.removeprefix("by_"), parts)
            yield Text()
    classes = list(assessment.parts.get("by_class", ()))
    if assessment.confusion is not None and len(classes) <= _PARTS:
        yield confusion_table(classes, assessment.confusion)
        yield Text()


def _facts(run: RunSummary) -> Table:
    facts = {
        "baseline": show(run.baseline_predicts, 200),
        **_certainty(run),
        **certainty(run.certainty),
        **(model(run.equations) if run.equations else {}),
        **_members(run),
        "stopped": show(_stopped(run.members), 200),
        "trained": _trained(run),
        "files": show(run.folder, PATH),
    }
    return facts_table(facts)


def _members(run: RunSummary) -> dict[str, str]:
    """How good each member is by itself, by the first metric of the set that the details are of."""
    if len(run.members) == 1:
        return {}
    name, together = next(iter(run.metrics[run.held_out].items()))
    alone = sorted(one.metrics[run.held_out][name] for one in run.members)
    span = f"{number(alone[0])} … {number(alone[-1])}"
    text = f"{run.held_out} {name} {number(together)} together, {span} each"
    return {"members": f"{len(alone)}: {text}"}


def _stopped(members: Sequence[Member]) -> str:
    """Why training ended; of several that differ, how often."""
    reasons = Counter(one.stop_reason for one in members)
    if len(reasons) == 1:
        return members[0].stop_reason
    counts = [f"{counted(n, 'member')}: {reason}" for reason, n in reasons.most_common()]
    return listing(counts, 3)


def _trained(run: RunSummary) -> str:
    """`12 epochs, 96 iterations in 0.3 s; weights of the best epoch, 7`"""
    epochs = span([one.epochs for one in run.members])
    noun = "epoch" if epochs == "1" else "epochs"
    work = f"{epochs} {noun}, {counted(run.iterations, 'iteration')}"
    best = [one.best_epoch for one in run.members if one.best_epoch is not None]
    kept = f"; weights of the best epoch, {span(best)}" if best else ""
    return f"{work} in {duration(run.records[-1].seconds)}{kept}"


def span(numbers: Sequence[int]) -> str:
    """`7`, or `7 to 12` where they differ."""
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _certainty(run: RunSummary) -> dict[str, str]:
    """What the intervals stand on, and the lead over the linear model on the same resamples."""
    details = run.details
    drawn = f"{details.resamples:,} resamples of {details.rows:,} {run.held_out} rows"
    facts = {"interval": drawn} if details.resamples else {}
    if details.over_linear:
        name, (low, high) = next(iter(details.over_linear.items()))
        lead = run.metrics[run.held_out][name] - run.metrics["linear"][name]
        span = f"{_plus(low)} … {_plus(high)}"
        facts["vs linear"] = f"{name} {_plus(lead)}, 95 % interval {span}"
    return facts


def model(equations: Equations) -> dict[str, str]:
    """The equations of a linear model, one a line, and what its categories are compared with."""
    if len(equations.terms) > _EQUATIONS:
        return {"model": "linear; its equations are in metrics.json"}
    left = _LEFT[equations.scale]
    lines = [equation(left.format(show(name)), c) for name, c in equations.terms.items()]
    known = [f"{show(column)}={show(level)}" for column, level in equations.reference.items()]
    beside = {"reference": listing(known, _TERMS)} if known else {}
    return {"model": "\n".join(lines), **beside}


def equation(left: str, coefficients: Mapping[str, float]) -> str:
    """`y = 2.000 x + 0.000`: a linear model in the units of the data, its intercept last."""
    *slopes, intercept = coefficients.values()
    if abs(intercept) < 5e-4 <= max(map(abs, slopes), default=0):
        intercept = 0.0  # beside such slopes, what is left of it is rounding
    terms = [f"{_signed(slope)} {show(name)}" for name, slope in zip(coefficients, slopes)]  # noqa: B905  the intercept has no slope
    shown = [*terms[:_TERMS], *(["+ …"] if len(terms) > _TERMS else []), _signed(intercept)]
    return f"{left} = {' '.join(shown).removeprefix('+ ')}"


def _signed(value: float) -> str:
    return f"{'−' if value < 0 else '+'} {number(abs(value))}"


def _plus(value: float) -> str:
    return _signed(value).replace(" ", "") if value else "0"


def means(records: Sequence[Record], loss_of: Callable[[Record], float | None]) -> list[float]:
    """A loss over the epochs: of an ensemble the mean over the members that have the epoch."""
    by_epoch: dict[int, list[float]] = {}
    for record in records:
        if (loss := loss_of(record)) is not None:
            by_epoch.setdefault(record.epoch, []).append(loss)
    return [fmean(by_epoch[epoch]) for epoch in sorted(by_epoch)]


class _Curves:
    """The losses over the epochs: a plot where it fits, else one line each."""

    def __init__(self, run: RunSummary) -> None:
        self._losses = [
            means(run.records, lambda record: record.train_loss),
            means(run.records, lambda record: record.validation_loss),
        ]

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
