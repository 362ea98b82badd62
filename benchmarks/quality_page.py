"""The page of the comparison: docs/quality.md from what was measured."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from tables import MOST_ROWS, TABLES

Record = dict
ROUNDING = 1e-9  # of equal errors
REFERENCE = "sklearn_mlp"
SMALLEST = 0.005  # an error or log loss below it counts as it: no mean of logarithms knows 0


def page(records: Sequence[Record], machine: str) -> str:
    """Markdown: errors, log losses and times, with means over the tables that all have done."""
    entries = list(dict.fromkeys(one["entry"] for one in records))
    means = {
        (one["table"], one["entry"]): averaged(records, one["table"], one["entry"])
        for one in records
    }
    shown = [t for t in TABLES if any((t, entry) in means for entry in entries)]
    lines = [
        "# Quality",
        "",
        f"Written by `make quality` on {datetime.now(UTC):%Y-%m-%d}. {machine}",
        "",
        *HOW.format(rows=MOST_ROWS).splitlines(),
        "",
        "## Error on test rows",
        "",
        "RMSE for numbers, 1 − accuracy for classes: mean over seeds, in brackets their number.",
        "",
        *grid(shown, entries, means, "error"),
        "",
        *summary(shown, entries, means, "error"),
        "",
        "## Log loss on test rows",
        "",
        *grid([t for t in shown if not TABLES[t].is_regression], entries, means, "log_loss"),
        "",
        *summary(
            [t for t in shown if not TABLES[t].is_regression], entries, means, "log_loss"
        ),
        "",
        "## Seconds",
        "",
        "bpcli: the whole command; the others: fit and predict, without the start of Python.",
        "Each on one core, with another entry on another core at the same time.",
        "",
        *grid(shown, entries, means, "seconds"),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


HOW = """\
Every entry has the same test rows, those of bpcli's split for a seed. bpcli and RealMLP keep the
split's validation rows for choosing the epoch; the other peers are fitted on them too. Peers read
the columns in the roles that bpcli found; numbers are standardised and categories one-hot for the
linear models and scikit-learn's MLP, whose target is standardised as well. Each has one core.
Tables of more rows are cut to {rows:,}. RealMLP is pytabkit's, with its defaults."""


def averaged(records: Iterable[Record], table: str, entry: str) -> Record:
    own = [one for one in records if (one["table"], one["entry"]) == (table, entry)]
    values = {
        key: statistics.mean(one[key] for one in own) if own[0][key] is not None else None
        for key in ("error", "log_loss", "seconds")
    }
    return {**values, "seeds": len(own)}


def grid(
    tables: Sequence[str], entries: Sequence[str], means: dict[tuple[str, str], Record], key: str
) -> list[str]:
    rows = ["| table | " + " | ".join(entries) + " |", "| --- |" + " ---: |" * len(entries)]
    for table in tables:
        cells = [shown(means.get((table, entry)), key) for entry in entries]
        rows.append(f"| {table} | " + " | ".join(cells) + " |")
    return rows


def shown(mean: Record | None, key: str) -> str:
    if mean is None or mean[key] is None:
        return "–"
    seeds = f" ({mean['seeds']})" if key == "error" else ""
    return f"{mean[key]:.4g}{seeds}"


def summary(
    tables: Sequence[str], entries: Sequence[str], means: dict[tuple[str, str], Record], key: str
) -> list[str]:
    """Geometric mean against scikit-learn's MLP, and tables won, of those that both have done."""
    rows = [
        f"Against {REFERENCE}, over the tables that both have done (at least {SMALLEST:g}):",
        "",
        "| entry | tables | geometric mean | at least as good on | mean rank |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for e in entries:
        both = [t for t in tables if (t, e) in means and (t, REFERENCE) in means]
        ratios = [
            max(means[t, e][key], SMALLEST) / max(means[t, REFERENCE][key], SMALLEST) for t in both
        ]
        if ratios:
            mean = math.exp(statistics.mean(map(math.log, ratios)))
            won = sum(ratio <= 1 + ROUNDING for ratio in ratios)
            place = statistics.mean(rank(e, t, means, key) for t in both)
            rows.append(f"| {e} | {len(both)} | {mean:.3f} | {won} | {place:.1f} |")
    return rows


def rank(entry: str, table: str, means: dict[tuple[str, str], Record], key: str) -> float:
    """1 for the best of all entries of a table; those that are equal share their mean place."""
    own = means[table, entry][key]
    others = [mean[key] for (t, e), mean in means.items() if t == table and e != entry]
    equal = [math.isclose(other, own, rel_tol=ROUNDING) for other in others]
    better = sum(other < own for other, same in zip(others, equal, strict=True) if not same)
    return 1 + better + sum(equal) / 2
