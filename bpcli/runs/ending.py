"""How the end of a run is told: in its `run.json`, and in the error it ends with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from bpcli.config.errors import BpcliError, NumericError
from bpcli.runs.signals import Interrupted, requests


@contextmanager
def telling(write_state: Callable[..., None], on_disk: Callable[[], str]) -> Iterator[None]:
    """Where the block ends with an error, `write_state(state, stop_reason=…)`, and say in the
    error what is on disk then.
    """
    try:
        with requests.heeded():
            yield
    except BaseException as error:
        if isinstance(error, BpcliError):
            error.consequence = on_disk()
        # The disk may be what failed; then the next command finds that nobody is at work here.
        with suppress(BpcliError):
            write_state(_state_after(error), stop_reason=_reason(error))
        raise


def _state_after(error: BaseException) -> str:
    if isinstance(error, NumericError):
        return "diverged"
    interrupted = isinstance(error, Interrupted | KeyboardInterrupt | GeneratorExit)
    return "interrupted" if interrupted else "failed"


def _reason(error: BaseException) -> str:
    """The text of a fault of our own could hold values of the data."""
    known = isinstance(error, BpcliError | Interrupted)
    return str(error) if known else type(error).__name__
