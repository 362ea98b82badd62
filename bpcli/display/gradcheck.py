"""The gradient check as a table, and what it comes to in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from bpcli.display.figures import MISSING, counted, number
from bpcli.display.tables import head, quiet_table
from bpcli.display.text import show
from bpcli.insight.gradcheck import TOLERANCE, Checked

_STYLES = {"agrees": "green", "differs": "bold red", "unresolved": "yellow"}


def gradcheck(found: Sequence[Checked], rows: int) -> Iterator[RenderableType]:
    """A parameter array a line, then the verdict; where one differs, both slopes."""
    table = quiet_table()
    for title in ("layer", "parameter", "shape"):
        table.add_column(head(title), no_wrap=True)
    table.add_column(head("compared"), justify="right", no_wrap=True)
    table.add_column(head("largest error"), justify="right", no_wrap=True)
    table.add_column(head("verdict"), no_wrap=True)
    for one in found:
        table.add_row(
            Text(f"{one.place.number} {show(one.place.layer.name)}"),
            Text(show(one.name)),
            Text(" × ".join(map(str, one.shape))),
            Text(f"{len(one.told)} of {len(one.slopes)}"),
            Text(f"{one.worst.error:.1e}" if one.worst else MISSING),
            Text(one.verdict, _STYLES[one.verdict]),
        )
    yield table
    yield Text()
    yield from _sentences(found, rows)


def _sentences(found: Sequence[Checked], rows: int) -> Iterator[Text]:
    wrong = [one for one in found if one.verdict == "differs"]
    for one in wrong:
        assert one.worst is not None
        told = f"{number(one.worst.analytic)}, finite differences {number(one.worst.numeric)}"
        yield Text(f"{one.place}, {show(one.name)}: backpropagation says {told}", "bold red")
    slopes = sum(len(one.told) for one in found)
    unresolved = sum(one.unresolved for one in found)
    if not wrong:
        yield Text(
            f"Backpropagation agrees with finite differences: {counted(slopes, 'slope')} of "
            f"{counted(len(found), 'parameter array')} to a relative {TOLERANCE:.0e}, in float64 "
            f"on {counted(rows, 'training row')}."
        )
    if unresolved:
        yield Text(
            f"{counted(unresolved, 'slope')} could not be told: at a kink such as relu's at 0, or "
            "too small beside the rounding of the loss.",
            "dim",
        )
