"""The page of a trace on a terminal, as wide as that is."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.constrain import Constrain
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from bpcli.display.arrays import cell_width, shown
from bpcli.display.tables import head, quiet_table
from bpcli.display.text import show
from bpcli.display.trace_page import Grid, Line, Page, Part

_STYLES = {
    "Forward pass": "cyan",
    "Loss": "yellow",
    "Backward pass": "magenta",
    "Parameter update": "green",
}
_WIDEST = 120  # a page, whatever the terminal
_CELLS = 12  # lines of a table; the last one is kept where there are more


class TraceText:
    """The page; `everything` leaves nothing out."""

    def __init__(self, page: Page, everything: bool) -> None:
        self._page, self._everything = page, everything

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, _WIDEST)
        yield Text(show(self._page.title, 200), "bold")
        yield Text(show(self._page.facts, 400), "dim")
        for section in self._page.sections:
            style = _STYLES.get(section.title, "")
            yield Text()
            rule = Rule(Text(section.title, f"bold {style}"), style=f"{style} dim", align="left")
            yield Constrain(rule, width)
            for part in section.parts:
                yield from self._part(part, style, width)

    def _part(self, part: Part, style: str, width: int) -> Iterator[RenderableType]:
        margin = "  " * part.depth
        if part.title:
            title, _, sizes = part.title.partition(", ")
            yield Text()
            line = Text.assemble((f"{margin}{show(title)}", "bold"), (f"  {sizes}", "dim"))
            line.append(f"    {part.formula}", style)
            line.overflow = "fold"
            yield line
        lines = [one for one in part.content if isinstance(one, Line)]
        labels = {id(one): _label(one) for one in lines}
        room = max((len(label) for label in labels.values()), default=0)
        for one in part.content:
            if isinstance(one, Line):
                yield from self._line(one, f"{margin}  {labels[id(one)]:<{room}}  ", width)
            elif isinstance(one, Grid):
                yield Padding(self._grid(one), (0, 0, 0, len(margin) + 2), expand=False)
            else:
                yield Text(f"{margin}  {show(one, 400)}", "dim" if one.startswith("and ") else "")

    def _line(self, line: Line, label: str, width: int) -> Iterator[Text]:
        """A row of numbers behind its name; others below, and on further lines with everything."""
        space = cell_width(line.values) + 2
        across = max(3, (width - len(label)) // space)
        numbers = shown(line.values, None if self._everything else across)
        for number, row in enumerate(numbers.rows):
            for start in range(0, len(row), across):
                text = Text(label if number == start == 0 else " " * len(label))
                text.stylize("dim")
                text.append("  ".join(row[start : start + across]))
                yield text

    def _grid(self, grid: Grid) -> RenderableType:
        table = quiet_table()
        for number, title in enumerate(grid.rows[0]):
            title = "\n".join(show(line) for line in title.split("\n"))
            table.add_column(head(title), justify="left" if number == 0 else "right", no_wrap=True)
        rows = grid.rows[1:]
        if not self._everything and len(rows) > _CELLS:
            rows = (*rows[: _CELLS - 2], ("⋮",) * len(rows[0]), rows[-1])
        for row in rows:
            table.add_row(*(Text(show(cell, 40)) for cell in row))
        return table


def _label(line: Line) -> str:
    """`W₁  4 × 16`, and the power of ten that its numbers stand for."""
    factor = shown(line.values, None).factor
    return f"{line.symbol}  {' × '.join(map(str, line.values.shape))}  {factor}".rstrip()
