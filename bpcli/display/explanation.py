"""What `explain` says: bars of importance and attribution, and curves of single columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bpcli.display.bars import Bar
from bpcli.display.closing import model
from bpcli.display.figures import aligned, number, rough
from bpcli.display.plots import sparkline
from bpcli.display.tables import head, quiet_table
from bpcli.display.text import show

if TYPE_CHECKING:
    from bpcli.insight.attribution import Attributions
    from bpcli.insight.effects import Effect
    from bpcli.runs.explain import Explanation, Scored

_SHOWN = 20  # columns; a file has them all
_VALUES = 8  # points of a curve


def explanation_parts(explanation: Explanation) -> Iterator[RenderableType]:
    """The tables, most important columns first."""
    title = f"{len(explanation.rows):,} {explanation.of} of {show(explanation.file)}"
    if explanation.scored is not None:
        yield from _importances(explanation.scored, title)
        yield ""
    yield from _attributions(explanation.attributions, title)
    for one in explanation.effects:
        yield ""
        yield from _effect(one, explanation.attributions.answers)
    if explanation.equations is not None:
        yield ""
        yield from (Text(text) for text in model(explanation.equations).values())


def _importances(scored: Scored, title: str) -> Iterator[RenderableType]:
    better = f"{scored.metric} {number(scored.score)}"
    what = f"Permutation importance: how much worse {better} gets, {scored.repeats} permutations"
    yield Text.assemble((what, "bold"), (f"   {title}", "dim"))
    ranked = sorted(scored.importances, key=lambda one: -one.mean)
    errors = [one.standard_error for one in ranked]
    names = [" + ".join(show(name) for name in one.columns) for one in ranked]
    yield from _bars(names, [one.mean for one in ranked], errors)


def _attributions(found: Attributions, title: str) -> Iterator[RenderableType]:
    several = " and answers" if len(found.answers) > 1 else ""
    what = f"Attribution: mean |value| over rows{several}, {found.method}"
    yield Text.assemble((what, "bold"), (f"   {title}", "dim"))
    strength = found.strength().mean(axis=0)
    order = (-strength).argsort(kind="stable")
    names = [show(found.columns[i]) for i in order]
    yield from _bars(names, strength[order].tolist(), [None] * len(names))


def _bars(
    names: Sequence[str], values: Sequence[float], errors: Sequence[float | None]
) -> Iterator[RenderableType]:
    most = max(values, default=0.0) or 1.0
    table = quiet_table()
    table.show_header = False
    table.add_column(overflow="fold")
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    shown = zip(names, values, aligned(values), _errors(errors), strict=True)
    for name, value, text, error in list(shown)[:_SHOWN]:
        table.add_row(Text(name), Bar(value / most), Text(f"{text}{error}"))
    yield table
    if len(names) > _SHOWN:
        yield Text(f"and {len(names) - _SHOWN} more", "dim")


def _errors(errors: Sequence[float | None]) -> list[str]:
    return ["" if error is None else f" ± {rough(error)}" for error in errors]


def _effect(one: Effect, answers: Sequence[str]) -> Iterator[RenderableType]:
    """The mean prediction at values of a column, and the course of the local effects."""
    kind = "mean prediction with all rows at a value (partial dependence)"
    yield Text.assemble((f"{show(one.column)}: ", "bold"), kind)
    yield _dependence(one, answers)
    if one.local is None:
        yield Text("no accumulated local effects: categories have no order", "dim")
        return
    for answer, course in zip(answers, one.local.T.tolist(), strict=True):
        line = sparkline(course, 40)
        span = f"{number(course[0])} → {number(course[-1])}"
        yield Text.assemble(
            (f"accumulated local effects, {show(answer)}  ", "dim"), line, f"  {span}"
        )


def _dependence(one: Effect, answers: Sequence[str]) -> Table:
    last = len(one.values) - 1
    count = min(_VALUES, len(one.values))
    at = sorted({round(k * last / max(count - 1, 1)) for k in range(count)})
    table = quiet_table()
    table.add_column(head("value"), justify="right", overflow="fold")
    columns = []
    for answer, course in zip(answers, one.dependence.T.tolist(), strict=True):
        table.add_column(head(show(answer, 20)), justify="right", no_wrap=True)
        columns.append(aligned([course[g] for g in at]))
    for k, g in enumerate(at):
        table.add_row(Text(show(one.values[g], 20)), *(Text(column[k]) for column in columns))
    return table
