"""The two streams of a command: results on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO, cast

from rich.console import Console, RenderableType

_PIPE_WIDTH = 2000  # for grep and logs, a row of a table stays on one line
_ASCII = str.maketrans(
    {
        "–": "-",
        "−": "-",
        "…": "...",
        "·": "*",
        "×": "x",
        "→": "->",
        "≤": "<=",
        "≥": ">=",
        "±": "+-",
        "∞": "inf",
        "⋮": ":",
        "←": "<-",
        "θ": "theta",
        "η": "eta",
        "δ": "delta",
        "∂": "d",
        "Σ": "sum ",
        "√": "sqrt ",
        "ℓ": "l",
        "σ": "sigma",
        "⊙": "*",
        "ᵀ": "^T",
        "⁻": "-",
        "²": "^2",
        "\u0302": "^",
        **{chr(0x2080 + digit): str(digit) for digit in range(10)},
        **{sign: str(digit) for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹") if digit != 2},
    }
)


@dataclass(frozen=True)
class Terminal:
    """Where a command writes, and how much."""

    out: Console
    err: Console
    interactive: bool  # stderr can be redrawn: a person is watching
    verbosity: int  # -1 quiet, 0 normal, 1 and more: -v

    def result(self, renderable: RenderableType) -> None:
        """Print what was asked for."""
        self.out.print(renderable)

    def say(self, renderable: RenderableType, verbosity: int = 0) -> None:
        """Print something about the work, unless the user wants to hear less."""
        if verbosity <= self.verbosity:
            self.err.print(renderable)


def open_terminal(color: bool = True, quiet: bool = False, verbose: int = 0) -> Terminal:
    """The terminal of this process, as its streams and environment allow.

    `NO_COLOR`, `TERM=dumb` and `color=False` remove colour.  `FORCE_COLOR` brings colour to a
    pipe, but never animation: logs are no place for cursor movements.
    """
    dumb = os.environ.get("TERM") == "dumb"
    color = color and not dumb and not os.environ.get("NO_COLOR")
    ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    interactive = is_terminal(sys.stderr) and not ci and not dumb
    return Terminal(
        out=_console(sys.stdout, color, interactive=False),
        err=_console(_lossy(sys.stderr), color, interactive),
        interactive=interactive,
        verbosity=-1 if quiet else verbose,
    )


def is_terminal(stream: object) -> bool:
    """Whether a person reads this stream; a closed or missing one is read by nobody."""
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError):
        return False


def is_utf8(stream: object) -> bool:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig")


def _console(stream: TextIO, color: bool, interactive: bool) -> Console:
    fixed_width = not is_terminal(stream) and "COLUMNS" not in os.environ
    return _Console(
        file=stream if is_utf8(stream) else cast(TextIO, _Escaping(stream)),
        color_system="auto" if color else None,
        force_interactive=interactive,
        width=_PIPE_WIDTH if fixed_width else None,
        highlight=False,
        markup=False,
        emoji=False,
    )


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Let the caller decide; rich would end the process with code 1."""
        raise  # the BrokenPipeError that rich is handling


def _lossy(stream: TextIO | None) -> TextIO:
    return cast(TextIO, stream and _Lossy(stream))  # a stream closed by the caller is None


class _Lossy:
    """stderr: what cannot be said any more must not end the work."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding, self.errors = stream.encoding, stream.errors
        self.isatty, self.fileno = stream.isatty, stream.fileno

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class _Escaping:
    """A stream that cannot hold all of Unicode: our signs turn to ASCII, the rest to escapes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding
        self.flush, self.isatty, self.fileno = stream.flush, stream.isatty, stream.fileno

    def write(self, text: str) -> int:
        plain = text.translate(_ASCII).encode(self.encoding, "backslashreplace")
        return self._stream.write(plain.decode(self.encoding))
