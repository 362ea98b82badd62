"""A learning-rate sweep: the table with its plot, the choice in words, and the heat map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bpcli.display.figures import MISSING, aligned, duration, number
from bpcli.display.strips import Strip, strips
from bpcli.display.tables import head, quiet_table
from bpcli.display.text import show

_DARK = ("grey15", "grey23", "grey35", "dark_green", "green4")
_SHADES = (*(f"white on {shade}" for shade in _DARK), "black on green3")

Facts = dict[str, Any]


def sweep_table(facts: Facts, seconds: Sequence[float]) -> RenderableType:
    """One row a rate: mean ± standard error, drawn too, loss, folds, epoch, time."""
    candidates = facts["candidates"]
    settings = (
        {facts["also"]: [show(one["setting"]) for one in candidates]} if facts["also"] else {}
    )
    columns: dict[str, Sequence[str | Strip]] = {
        **settings,
        "rate": [f"{one['learning_rate']:g}" for one in candidates],
        facts["metric"]: aligned([one["mean"] for one in candidates]),
        "±": aligned([one["standard_error"] for one in candidates]),
        "": strips(candidates, facts["better"]),
        "loss": aligned([one["mean_loss"] for one in candidates]),
        "folds": [_folds(one) for one in candidates],
        "epoch": [_rounded(one["mean_epoch"]) for one in candidates],
        "time": [duration(one) for one in seconds],
    }
    table = quiet_table()
    table.add_column(no_wrap=True)
    for title in columns:  # the strips alone may be narrower than they would like
        justify: Literal["left", "right"] = "right" if title else "left"
        table.add_column(head(show(title)), justify=justify, no_wrap=bool(title))
    for mark, row in zip(_marks(facts), zip(*columns.values(), strict=True), strict=True):
        style = "bold" if mark == "*" else "" if mark == "=" else "dim"
        cells = (Text(cell) if isinstance(cell, str) else cell for cell in row)
        table.add_row(Text(mark), *cells, style=style)
    return table


def choice_lines(facts: Facts) -> RenderableType:
    """What was chosen, by which rule, and how sure that is."""
    choice = facts["choice"]
    winner = _find(facts, choice)
    chosen = f"{_setting(facts, choice)}learning rate {choice['learning_rate']:g}"
    lines = [
        Text.assemble(("Chosen: ", "bold"), (chosen, "bold cyan"), f" ({_score(facts, winner)})")
    ]
    lines.append(Text(_rule(facts), "dim"))
    if choice["runner_up"]:
        lines.append(Text(_compared(facts, choice)))
    return Group(*lines)


def heat_map(facts: Facts) -> RenderableType:
    """The mean score by rate (rows) and setting (columns); the brighter the better."""
    candidates = facts["candidates"]
    settings = list(dict.fromkeys(one["setting"] for one in candidates))
    rates = sorted({one["learning_rate"] for one in candidates})
    means = {_name(one): one["mean"] for one in candidates if not one["out"]}
    known = sorted(mean for mean in means.values() if mean is not None)
    table = Table(box=None, padding=(0, 0), pad_edge=False, header_style="")
    table.add_column(head("rate "), justify="right", no_wrap=True)
    for setting in settings:
        table.add_column(head(f" {show(setting)} "), justify="right")
    for rate in rates:
        cells = [
            _shaded(means.get((setting, rate)), known, facts["better"]) for setting in settings
        ]
        table.add_row(Text(f"{rate:g} "), *cells)
    title = f"{facts['metric']} by learning rate and {show(facts['also'])}"
    return Group(Text(title, "dim"), table)


def _shaded(mean: float | None, known: Sequence[float], better: str) -> Text:
    if mean is None:
        return Text(f" {MISSING} ", "dim")
    place = sum(1 for one in known if one < mean) / max(1, len(known) - 1)
    place = place if better == "higher" else 1 - place
    shade = _SHADES[min(int(place * len(_SHADES)), len(_SHADES) - 1)]
    return Text(f" {number(mean)} ", shade)


def _marks(facts: Facts) -> list[str]:
    """`*` the chosen one, `=` those that cannot be told apart from it."""
    choice = facts["choice"]
    if choice is None:
        return [" "] * len(facts["candidates"])
    chosen = _name(choice)
    alike = {_name(one) for one in choice["alike"]}
    names = map(_name, facts["candidates"])
    return ["*" if name == chosen else "=" if name in alike else " " for name in names]


def _name(one: Facts) -> tuple[str, float]:
    return one.get("setting", ""), one["learning_rate"]


def _find(facts: Facts, choice: Facts) -> Facts:
    found: Facts = next(one for one in facts["candidates"] if _name(one) == _name(choice))
    return found


def _setting(facts: Facts, one: Facts) -> str:
    """`batch_size 16, `; nothing where only rates were swept."""
    return f"{show(facts['also'])} {show(one['setting'])}, " if facts["also"] else ""


def _score(facts: Facts, one: Facts) -> str:
    error = f" ± {number(one['standard_error'])}" if one["standard_error"] is not None else ""
    return f"{facts['metric']} {number(one['mean'])}{error}"


def _rule(facts: Facts) -> str:
    folds = facts["folds"]
    repeats = f", {folds['repeats']} times" if folds["repeats"] > 1 else ""
    rules = {
        "lowest-loss": "the lowest loss of those within one standard error of the best mean",
        "min": "the best mean; of equal ones the lower loss, then the lower rate",
        "one-se": "the lowest rate within one standard error of the best mean",
    }
    rule = facts["rule"]
    return f"rule {rule}: {rules[rule]}; {folds['folds']} {folds['method']} folds{repeats}"


def _compared(facts: Facts, choice: Facts) -> str:
    other, winner = choice["runner_up"], _find(facts, choice)
    name = f"{_setting(facts, other)}{other['learning_rate']:g}"
    if choice["p"] is None:
        return f"{name} comes next; a single fold allows no test"
    alike = len(choice["alike"])
    told = f"p = {choice['p']:.2g}, corrected paired t-test"
    if any(_name(one) == _name(other) for one in choice["alike"]):
        more = f", nor from {alike - 1} more (=)" if alike > 1 else ""
        return f"It cannot be told apart from {name} ({told}){more}."
    ahead = other["mean"] - winner["mean"]
    if (ahead if facts["better"] == "higher" else -ahead) > 0:
        return f"{name} scores better ({told}), within one standard error."
    return f"It is better than {name}, which comes next ({told})."


def _folds(one: Facts) -> str:
    if one["failed_folds"]:
        return f"{one['failed_folds']}/{one['folds']} failed"
    return f"{one['folds']}, out" if one["out"] else f"{one['folds']}"


def _rounded(value: float | None) -> str:
    return MISSING if value is None else f"{value:.0f}"
