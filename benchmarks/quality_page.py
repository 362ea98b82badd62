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
OURS = "bpcli"  # the default; the names of the others of ours begin with it
SMALLEST = 0.005  # an error or log loss below it counts as it: no mean of logarithms knows 0


def page(records: Sequence[Record], machine: str) -> str:
    """Markdown: errors, log losses and times, with means over the tables that all have done."""
    entries = list(dict.fromkeys(one["entry"] for one in records))
    means = {
        (one["table"], one["entry"]): averaged(records, one["table"], one["entry"])
        for one in records
    }
    shown = [t for t in TABLES if any((t, entry) in means for entry in entries)]
    classes = [t for t in shown if not TABLES[t].is_regression]
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
        *summary(records, shown, entries, "error"),
        "",
        *pairs(records, shown, entries, "error"),
        "",
        *below_linear(records, shown),
        "",
        "## Log loss on test rows",
        "",
        *grid(classes, entries, means, "log_loss"),
        "",
        *summary(records, classes, entries, "log_loss"),
        "",
        *pairs(records, classes, entries, "log_loss"),
        "",
        "## Seconds",
        "",
        "bpcli: the whole command; the others: fit and predict, without the start of Python.",
        "Each on one core, with another entry on another core at the same time; not of those that",
        "were measured while the machine had other work.",
        "",
        *grid(shown, entries, means, "seconds"),
        "",
        *pairs(records, shown, entries, "seconds"),
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
    found = {
        key: [one[key] for one in own if one[key] is not None]
        for key in ("error", "log_loss", "seconds")
    }
    values = {key: statistics.mean(each) if each else None for key, each in found.items()}
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


def common(
    records: Sequence[Record], one: str, other: str, tables: Sequence[str], key: str
) -> dict[str, list[float]]:
    """{table: [mean of one, mean of the other]}, over the seeds that both have done."""
    found: dict[str, list[float]] = {}
    for table in tables:
        own, peer = (
            {
                r["seed"]: r[key]
                for r in records
                if (r["table"], r["entry"]) == (table, entry) and r[key] is not None
            }
            for entry in (one, other)
        )
        if seeds := own.keys() & peer.keys():
            found[table] = [statistics.mean(each[seed] for seed in seeds) for each in (own, peer)]
    return found


def ratios(
    records: Sequence[Record], one: str, other: str, tables: Sequence[str], key: str
) -> list[float]:
    """One over the other, a number for each table."""
    both = common(records, one, other, tables, key)
    found = ([max(value, SMALLEST) for value in two] for two in both.values())
    return [mine / theirs for mine, theirs in found]


def summary(
    records: Sequence[Record], tables: Sequence[str], entries: Sequence[str], key: str
) -> list[str]:
    """Geometric mean against scikit-learn's MLP, and tables won, over what both have done."""
    rows = [
        f"Against {REFERENCE}, over tables and seeds that both have done (at least {SMALLEST:g});",
        "the rank is among the entries of seed 0:",
        "",
        "| entry | tables | geometric mean | at least as good on | mean rank |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    first = {(r["table"], r["entry"]): r for r in records if r["seed"] == 0}
    for e in entries:
        found = ratios(records, e, REFERENCE, tables, key)
        if found:
            mean = math.exp(statistics.mean(map(math.log, found)))
            won = sum(ratio <= 1 + ROUNDING for ratio in found)
            place = statistics.mean(rank(e, t, first, key) for t in tables if (t, e) in first)
            rows.append(f"| {e} | {len(found)} | {mean:.3f} | {won} | {place:.1f} |")
    return rows


def pairs(
    records: Sequence[Record], tables: Sequence[str], entries: Sequence[str], key: str
) -> list[str]:
    """Each of ours against each peer: geometric mean over what both have done."""
    ours = [entry for entry in entries if entry.startswith(OURS)]
    peers = [entry for entry in entries if not entry.startswith(OURS)]
    rows = [
        "Geometric mean of each of ours against each peer, over the seeds and, in brackets, tables",
        "that both have done:",
        "",
        "| | " + " | ".join(peers) + " |",
        "| --- |" + " ---: |" * len(peers),
    ]
    for own in ours:
        cells = []
        for peer in peers:
            found = ratios(records, own, peer, tables, key)
            mean = math.exp(statistics.mean(map(math.log, found))) if found else 0.0
            cells.append(f"{mean:.3f} ({len(found)})" if found else "–")
        rows.append(f"| {own} | " + " | ".join(cells) + " |")
    return rows


def below_linear(records: Sequence[Record], tables: Sequence[str]) -> list[str]:
    """The tables where the default is worse than a linear model by more than its standard error."""
    worse = []
    for table in tables:
        own, linear = (
            {one["seed"]: one["error"] for one in records if (one["table"], one["entry"]) == key}
            for key in ((table, OURS), (table, "linear"))
        )
        gaps = [own[seed] - linear[seed] for seed in own.keys() & linear.keys()]
        if len(gaps) > 1:
            error = statistics.stdev(gaps) / math.sqrt(len(gaps))
            if statistics.mean(gaps) > error:
                worse.append(f"{table} ({statistics.mean(gaps):+.3g} ± {error:.2g})")
    said = ", ".join(worse) or "none"
    return [f"Worse than linear by more than the standard error of the seeds: {said}."]


def rank(entry: str, table: str, means: dict[tuple[str, str], Record], key: str) -> float:
    """1 for the best of all entries of a table; those that are equal share their mean place."""
    own = means[table, entry][key]
    others = [mean[key] for (t, e), mean in means.items() if t == table and e != entry]
    equal = [math.isclose(other, own, rel_tol=ROUNDING) for other in others]
    better = sum(other < own for other, same in zip(others, equal, strict=True) if not same)
    return 1 + better + sum(equal) / 2
