"""What is said when a signal has ended a command that can be gone on with."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bpcli.runs.signals import Interrupted


def say_how_to_go_on(
    asked: Interrupted, on_disk: str, words: Sequence[str], what: str = "go on with"
) -> None:
    """What is on disk, and the command that goes on from there."""
    from bpcli.display.text import PATH, show

    with suppress(OSError):  # the terminal may be what has gone
        typer.echo(f"{asked}: {show(on_disk, PATH)}", err=True)
        typer.echo(f"{what}: {show(shlex.join(words), PATH)}", err=True)
