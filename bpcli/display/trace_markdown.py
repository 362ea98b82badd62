"""The page of a trace as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.display.arrays import shown
from bpcli.display.text import show
from bpcli.display.trace_page import Grid, Line, Page, Part

_ACROSS = 8  # numbers in a row


def markdown_page(page: Page, everything: bool) -> str:
    """Headings, formulas as code, vectors and matrices as blocks, tables."""
    lines = [f"# {_plain(page.title)}", "", f"{_plain(page.facts)}.", ""]
    for section in page.sections:
        lines += [f"## {section.title}", ""]
        for part in section.parts:
            lines += _part(part, everything)
    return "\n".join(lines).rstrip() + "\n"


def _part(part: Part, everything: bool) -> Iterator[str]:
    if part.title:
        yield from (f"**{_plain(part.title)}**: `{part.formula}`", "")
    arrays = [one for one in part.content if isinstance(one, Line)]
    block = [line for one in arrays for line in _line(one, everything)]
    if block:
        yield from ("```text", *block, "```", "")
    for one in part.content:
        if isinstance(one, Grid):
            yield from (*_grid(one), "")
        elif isinstance(one, str):
            yield from (_plain(one), "")


def _line(line: Line, everything: bool) -> Iterator[str]:
    numbers = shown(line.values, None if everything else _ACROSS)
    label = f"{line.symbol}  {' × '.join(map(str, line.values.shape))}  {numbers.factor}".rstrip()
    for number, row in enumerate(numbers.rows):
        yield f"{label if number == 0 else '':<{len(label)}}  {'  '.join(row)}"


def _grid(grid: Grid) -> Iterator[str]:
    first, *rows = (tuple(_plain(" ".join(cell.split())) for cell in row) for row in grid.rows)
    yield f"| {' | '.join(first)} |"
    yield f"| --- {'| ---: ' * (len(first) - 1)}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _plain(text: str) -> str:
    """Text with the signs of Markdown and HTML taken literally."""
    safe = show(text, 400)
    for sign in "\\`*_<|[":
        safe = safe.replace(sign, f"\\{sign}")
    return safe
