"""Results as quiet tables: no lines, one dim head, numbers below each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from bpcli.display.figures import MISSING, aligned, number
from bpcli.display.text import show

Metrics = Mapping[str, float]
Intervals = Mapping[str, tuple[float, float]]
Scores = Mapping[str, float | None]
_STYLES = {"test": "bold", "baseline": "dim", "95 % interval": "dim"}
_CLASS = 12  # characters of a class above its column


def metrics_table(
    metrics: Mapping[str, Metrics],
    baseline: Metrics | None = None,
    intervals: tuple[str, Intervals] | None = None,
) -> Table:
    """One row a metric, one column a data set, and the baseline beside them.

    `intervals` are those of one data set, by its title, and stand behind it.
    """
    columns = {**metrics, **({"baseline": baseline} if baseline else {})}
    names = list(dict.fromkeys(name for values in columns.values() for name in values))
    texts: dict[str, list[str]] = {}
    for title, values in columns.items():
        texts[title] = aligned([values.get(name) for name in names])
        if intervals and intervals[0] == title and intervals[1]:
            texts["95 % interval"] = _spans([intervals[1].get(name) for name in names])
    return _columns(names, texts)


def scores_table(kind: str, parts: Mapping[str, Scores]) -> Table:
    """One row a class, label, target or level; one column a score."""
    scores = list(dict.fromkeys(name for values in parts.values() for name in values))
    texts = {name: _texts([values.get(name) for values in parts.values()]) for name in scores}
    return _columns(list(parts), texts, kind)


def confusion_table(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Table:
    """One row a true class, one column a predicted one."""
    table = quiet_table()
    table.add_column(head("true, predicted →"), no_wrap=True)
    for name in classes:
        table.add_column(head(show(name, _CLASS)), no_wrap=True, justify="right")
    for i, (name, row) in enumerate(zip(classes, counts, strict=True)):
        cells = (Text(f"{n:,}", "bold" if i == k else "") for k, n in enumerate(row))
        table.add_row(Text(show(name)), *cells)
    return table


def _columns(names: Sequence[str], texts: Mapping[str, Sequence[str]], kind: str = "") -> Table:
    """A name a row, and columns of texts below their titles, set to the right."""
    table = quiet_table()
    table.add_column(head(kind), no_wrap=True)
    cells = [[Text(show(name)) for name in names]]
    for title, column in texts.items():
        width = max(len(title), *map(len, column), 0)
        table.add_column(head(show(title).rjust(width)), no_wrap=True, style=_STYLES.get(title, ""))
        cells.append([Text(text.rjust(width)) for text in column])
    for row in zip(*cells, strict=True):
        table.add_row(*row)
    return table


def _texts(values: Sequence[float | None]) -> list[str]:
    """Counts written out, other numbers with their points below each other."""
    if all(isinstance(value, int) for value in values):
        return [f"{value:,}" for value in values]
    return aligned(values)


def _spans(intervals: Sequence[tuple[float, float] | None]) -> list[str]:
    """`0.9000 … 1.000`, the dots below each other."""
    texts = [f"{number(pair[0])} … {number(pair[1])}" if pair else MISSING for pair in intervals]
    longest = max((len(text.partition("…")[2]) for text in texts), default=0)
    return [text + " " * (longest - len(text.partition("…")[2])) for text in texts]


def columns_table(rows: Iterable[tuple[str, str, str]]) -> Table:
    """The columns of a CSV: name, role, and why it has that role."""
    return _text_table({"column": "bold", "role": "", "because": "dim"}, rows)


def components_table(kind: str, rows: Iterable[tuple[str, str, str]]) -> Table:
    """Everything of one kind that a config can name: name, fields, summary."""
    return _text_table({show(kind): "bold", "fields": "dim", "summary": ""}, rows)


def layers_table(rows: Sequence[tuple[int, str, Sequence[int], int]]) -> Table:
    """The network, layer by layer: index, layer, output shape, parameters; the sum below."""
    table = quiet_table()
    total = f"{sum(parameters for *_, parameters in rows):,}"
    table.add_column(head("#"), justify="right", style="dim")
    table.add_column(head("layer"), overflow="fold", footer=Text("total"))
    table.add_column(head("output"), justify="right")
    table.add_column(head("parameters"), justify="right", footer=Text(total))
    table.show_footer = True
    for index, layer, shape, parameters in rows:
        output = Text(" × ".join(map(str, shape)))
        table.add_row(Text(str(index)), Text(show(layer)), output, Text(f"{parameters:,}"))
    return table


def values_table(title: str, names: Sequence[str], rows: Mapping[str, Sequence[object]]) -> Table:
    """One row a setting, one column for each of several runs."""
    heads = {title: "bold", **dict.fromkeys(map(show, names), "")}
    return _text_table(heads, ((key, *map(str, values)) for key, values in rows.items()))


def _text_table(styles: Mapping[str, str], rows: Iterable[tuple[str, ...]]) -> Table:
    table = quiet_table()
    for title, style in styles.items():
        table.add_column(head(title), overflow="fold", style=style)
    for row in rows:
        table.add_row(*(Text(show(cell, 200)) for cell in row))
    return table


def facts_table(facts: Mapping[str, str]) -> Table:
    """A dim name and what is to be said, one a line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in facts.items():
        table.add_row(Text(name), Text(fact))
    return table


def quiet_table() -> Table:
    """No lines; every cell beside the next."""
    return Table(box=None, padding=(0, 1), pad_edge=False, header_style="", footer_style="bold")


def head(text: str) -> Text:
    """A dim heading."""
    return Text(text, "dim")
