"""Numbers as bars of characters, one a line."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

_NARROW, _WIDE = 5, 30  # characters; a narrow terminal takes from the bars first
_EIGHTHS = " ▏▎▍▌▋▊▉"


class Bar:
    """A bar from 0 to a share of the width, at most 1; below 0 there is none."""

    def __init__(self, share: float) -> None:
        self.share = min(max(share, 0.0), 1.0)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(_NARROW, _WIDE)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, _WIDE)
        yield Text(self.line(width, options.ascii_only), "cyan", no_wrap=True)

    def line(self, width: int, ascii_only: bool = False) -> str:
        """The bar in so many characters."""
        eighths = round(self.share * width * 8)
        if ascii_only:
            return "#" * round(eighths / 8)
        return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
