"""Means with standard errors as lines of characters that stand below each other in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from bpcli.display.window import span, window

_NARROW, _WIDE = 5, 31  # characters; a narrow terminal takes from the strips first


class Strip:
    """`──●──` on a scale from `low` to `high`; a mean beyond it is an arrow at its end."""

    def __init__(self, one: dict[str, Any], low: float, high: float) -> None:
        self.one, self.low, self.high = one, low, high

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(_NARROW, _WIDE)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.line(min(options.max_width, _WIDE)), no_wrap=True)

    def line(self, width: int) -> str:
        """The strip in so many characters."""
        line, mean = [" "] * width, self.one["mean"]
        if mean is None:
            pass
        elif mean < self.low:
            line[0] = "‹"
        elif mean > self.high:
            line[-1] = "›"
        else:
            scale = (width - 1) / ((self.high - self.low) or 1.0)
            ends = (round((end - self.low) * scale) for end in span(self.one))
            left, right = (min(max(end, 0), width - 1) for end in ends)
            line[left : right + 1] = "─" * (right + 1 - left)
            line[round((mean - self.low) * scale)] = "●"
        return "".join(line)


def strips(candidates: Sequence[dict[str, Any]], better: str) -> list[Strip]:
    """One for each candidate, all on one scale."""
    low, high = window(candidates, better)
    return [Strip(one, low, high) for one in candidates]
