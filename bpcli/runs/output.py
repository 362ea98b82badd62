"""Where a long result goes as it is made: standard output, or a file that is published whole."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bpcli.config.characters import escaped
from bpcli.runs.files import creating, failure

STDOUT = Path("-")


@contextmanager
def writing(path: Path, *, keep: Path, force: bool) -> Iterator[Callable[[bytes], object]]:
    """A function that writes on; a file has its name only when all of it is written.

    Raises OutputError, before anything is read where the name is taken; it is never the input
    `keep`. Raises BrokenPipeError where the reader of standard output has gone.
    """
    if path == STDOUT:
        yield _print
        return
    with creating(path, keep=keep, force=force) as file:
        yield file.write


def _print(content: bytes) -> None:
    if sys.stdout.isatty():  # a person, whose terminal no cell may steer
        content = escaped(content.decode()).encode()
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise failure(Path("standard output"), "write", error) from None
