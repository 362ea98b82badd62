"""Being asked to end: Ctrl-C, SIGTERM from a scheduler, SIGHUP from a lost terminal.

Outside of `deferred` the process leaves at once. Inside, the first signal is only noted, for the
work to end at its next good moment; a second one leaves at once. Files are whole either way.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal has ended the work; no error handler on the way should take it for a fault."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class Requests:
    """The signals that this process has been sent."""

    def __init__(self) -> None:
        self._pending: int | None = None
        self._deferred = False

    def listen(self) -> None:
        """From here on.  What the caller had set to be ignored, as nohup does, stays ignored."""
        for number in NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._receive)

    def ignore(self) -> None:
        """From here on: the process is ending already."""
        for number in NUMBERS:
            signal.signal(number, signal.SIG_IGN)

    def require_none(self) -> None:
        """Raises Interrupted where a signal has been noted."""
        if self._pending is not None:
            raise Interrupted(self._pending)

    @property
    def any(self) -> bool:
        """Whether a signal has been noted."""
        return self._pending is not None

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Note the first signal instead of leaving; a noted one is raised at the end."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False
        self.require_none()

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """What foreign code has made of an Interrupted on its way is an Interrupted again."""
        try:
            yield
        except Exception:
            self.require_none()
            raise

    def _receive(self, number: int, frame: FrameType | None) -> None:
        first, self._pending = self._pending is None, number
        if not (first and self._deferred):
            raise Interrupted(number)


requests = Requests()  # signals belong to the process, so there is one
