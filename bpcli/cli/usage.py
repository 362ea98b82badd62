"""Wrong usage, told in text that is safe for a terminal: a shell may expand * to any file name."""

from __future__ import annotations

import io
import sys
from typing import Any

import typer

UsageError: Any = typer.BadParameter.__base__  # Typer has no name of its own for it


def call(app: typer.Typer) -> None:
    """Run the application; ends with SystemExit where it asks for an exit code."""
    try:
        code = app(prog_name="bpcli", standalone_mode=False)
    except UsageError as wrong:
        code = _tell(wrong)
    sys.exit(code)


def _tell(wrong: Any) -> int:
    from bpcli.display.text import shown_lines

    told = io.StringIO()
    wrong.show(told)
    print(shown_lines(told.getvalue()), end="", file=sys.stderr)
    return 2
