"""Results as quiet tables: no lines, one dim head, numbers below each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from bpcli.display.figures import aligned
from bpcli.display.text import show

Metrics = Mapping[str, float]


def metrics_table(metrics: Mapping[str, Metrics], baseline: Metrics | None = None) -> Table:
    """One row a metric, one column a data set, and the baseline beside them."""
    columns = {**metrics, **({"baseline": baseline} if baseline else {})}
    names = list(dict.fromkeys(name for values in columns.values() for name in values))
    table = _table()
    table.add_column(no_wrap=True)
    cells = [[Text(show(name)) for name in names]]
    for title, values in columns.items():
        numbers = aligned([values.get(name) for name in names])
        width = max(len(title), *map(len, numbers), 0)
        style = "dim" if title == "baseline" else "bold" if title == "test" else ""
        table.add_column(_head(show(title).rjust(width)), no_wrap=True, style=style)
        cells.append([Text(text.rjust(width)) for text in numbers])
    for row in zip(*cells, strict=True):
        table.add_row(*row)
    return table


def columns_table(rows: Iterable[tuple[str, str, str]]) -> Table:
    """The columns of a CSV: name, role, and why it has that role."""
    return _text_table({"column": "bold", "role": "", "because": "dim"}, rows)


def components_table(kind: str, rows: Iterable[tuple[str, str, str]]) -> Table:
    """Everything of one kind that a config can name: name, fields, summary."""
    return _text_table({show(kind): "bold", "fields": "dim", "summary": ""}, rows)


def layers_table(rows: Sequence[tuple[int, str, Sequence[int], int]]) -> Table:
    """The network, layer by layer: index, layer, output shape, parameters; the sum below."""
    table = _table()
    total = f"{sum(parameters for *_, parameters in rows):,}"
    table.add_column(_head("#"), justify="right", style="dim")
    table.add_column(_head("layer"), overflow="fold", footer=Text("total"))
    table.add_column(_head("output"), justify="right")
    table.add_column(_head("parameters"), justify="right", footer=Text(total))
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
    table = _table()
    for head, style in styles.items():
        table.add_column(_head(head), overflow="fold", style=style)
    for row in rows:
        table.add_row(*(Text(show(cell, 200)) for cell in row))
    return table


def _table() -> Table:
    return Table(box=None, padding=(0, 1), pad_edge=False, header_style="", footer_style="bold")


def _head(text: str) -> Text:
    return Text(text, "dim")
