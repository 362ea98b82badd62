"""A search for settings: the best trials, what mattered, and what the test rows say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from bpcli.display.figures import aligned
from bpcli.display.tables import head, quiet_table
from bpcli.display.text import show

Facts = dict[str, Any]
LEAST = 0.005  # of the differences that a path must explain to be named


def leaderboard(facts: Facts) -> RenderableType:
    """The best trials and the config as it was, one a row; then the paths that mattered."""
    return Group(standing(facts), *_mattered(facts["importances"], _short(facts["space"])))


def standing(facts: Facts) -> RenderableType:
    """The best trials, now or at the end, and the config as it was, one a row."""
    rows = facts["leaders"]
    plain = facts["default"]
    if plain and all(one["trial"] for one in rows):
        rows = [*rows, plain]
    names = _short(facts["space"])
    columns = {
        facts["metric"]: [one["mean"] for one in rows],
        "±": [one["standard_error"] for one in rows],
        **_first_metric(rows, facts["metric"]),
    }
    table = quiet_table()
    for title in ("trial", *columns):
        table.add_column(head(title), justify="right", no_wrap=True)
    table.add_column(head("values"), overflow="fold")
    for one, *figures in zip(rows, *map(aligned, columns.values()), strict=True):
        style = "bold" if one is rows[0] else "dim" if one is plain else ""
        values = _values(one["values"], names) or "the config as it is"
        table.add_row(str(one["trial"]), *figures, Text(values), style=style)
    return table


def _first_metric(rows: Sequence[Facts], known: str) -> dict[str, list[float]]:
    """The task's first metric by trial, where the search went by another."""
    first = next(iter(rows[0]["scores"]), known) if rows else known
    return {} if first == known else {first: [one["scores"][first] for one in rows]}


def estimate(facts: Facts) -> RenderableType:
    """The winner without each outer fold, one a row; then what the search as a whole is good for.

    `nested accuracy 0.953 ± 0.012 by 5 outer folds; the inner folds said 0.967, 0.014 too hopeful`
    """
    nested, metric = facts["nested"], facts["metric"]
    names = _short(facts["space"])
    table = quiet_table()
    for title in ("outer fold", f"inner {metric}", f"outer {metric}"):
        table.add_column(head(title), justify="right", no_wrap=True)
    table.add_column(head("its winner"), overflow="fold")
    folds = nested["folds"]
    inner, outer = (aligned([one[key] for one in folds]) for key in ("inner", "outer"))
    for one, *scores in zip(folds, inner, outer, strict=True):
        values = one["failure"] or _values(one["values"], names) or "the config as it is"
        table.add_row(str(one["fold"]), *scores, Text(values))
    return Group("", table, "", _nested(nested, metric, facts["better"]))


def _nested(nested: Facts, metric: str, better: str) -> Text:
    if nested["mean"] is None:
        return Text("No nested estimate: an outer fold has no score")
    error = f" ± {nested['standard_error']:.2g}"
    return Text(
        f"nested {metric} {nested['mean']:.4g}{error} by {nested['outer_folds']} outer folds; "
        f"the inner folds said {_too(nested['inner_mean'], nested['mean'], better)}"
    )


def optimism(facts: Facts, test: float) -> Text:
    """`test accuracy 0.967; the folds that chose it said 0.975, 0.008 too hopeful`"""
    metric, chosen = facts["metric"], facts["best"]["mean"]
    said = _too(chosen, test, facts["better"])
    return Text(f"test {metric} {test:.4g}; the folds that chose it said {said}")


def _too(said: float, found: float, better: str) -> str:
    """`0.975, 0.008 too hopeful`"""
    gap = said - found if better == "higher" else found - said
    return f"{said:.4g}, {abs(gap):.3g} too {'hopeful' if gap > 0 else 'modest'}"


def _short(paths: Iterable[str]) -> dict[str, str]:
    """{path: its last key}, or the whole path where two end alike."""
    last = {path: path.rpartition(".")[2] for path in paths}
    often = Counter(last.values())
    return {path: show(key if often[key] == 1 else path) for path, key in last.items()}


def _values(values: dict[str, Any], names: dict[str, str]) -> str:
    """`learning_rate 0.003, width 64`"""
    return ", ".join(f"{names[path]} {show(_shown(value))}" for path, value in values.items())


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)


def _mattered(importances: dict[str, float], names: dict[str, str]) -> list[Text]:
    told = [f"{names[path]} {share:.0%}" for path, share in importances.items() if share >= LEAST]
    if not told:
        return []
    listed = ", ".join(told)
    return [Text(""), Text(f"What mattered (PED-ANOVA): {listed}", "dim")]
