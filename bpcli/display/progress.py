"""Training, watched: one redrawn line on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from math import inf
from statistics import fmean
from time import perf_counter
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bpcli.display.console import Terminal
from bpcli.display.figures import duration, number

_FRAME = 0.1  # seconds between two redraws
_SILENCE = 5.0  # seconds without a plain line
_BAR = 24
_EXPENDABLE = ("rate", "elapsed", "left", "validation")  # what a narrow terminal loses first


class Record(Protocol):
    """What progress needs to know of an epoch."""

    @property
    def epoch(self) -> int: ...
    @property
    def iteration(self) -> int: ...
    @property
    def rate(self) -> float: ...
    @property
    def train_loss(self) -> float: ...
    @property
    def validation_loss(self) -> float | None: ...
    @property
    def seconds(self) -> float:
        """Since training began."""
        ...


class TrainingProgress:
    """Shows the records of a training run while it lasts, and its last one in any case.

    On a terminal the line is redrawn at most ten times a second.  Elsewhere a plain line comes
    with the first record, at every tenth of the way, and after 5 s without one; the silence may
    grow to a tenth of the time passed, so that a run of a day does not fill a log.
    """

    def __init__(
        self,
        console: Console,
        interactive: bool,
        total_iterations: int,
        total_epochs: int | None = None,
        quiet: bool = False,
    ) -> None:
        self._console = console
        self._total = max(total_iterations, 1)
        self._total_epochs = total_epochs
        self._live = _live(console) if interactive and not quiet else None
        self._due = inf if quiet else 0.0  # the clock time of the next line
        self._mark = inf  # the iteration of the next plain line, if that comes earlier
        self._quiet = quiet
        self._start: tuple[float, int] | None = None  # clock and iteration: the pace
        self._last: Record | None = None
        self._shown: Record | None = None
        self.prefix = ""  # of the position

    def __enter__(self) -> Self:
        if self._live:
            self._safely(self._live.start)
        return self

    def update(self, record: Record) -> None:
        """Take the newest record; costs well under a microsecond when no line is due."""
        self._last = record
        now = perf_counter()
        if now >= self._due or record.iteration >= self._mark:
            self._safely(lambda: self._draw(record, now))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live:
            self._safely(self._live.stop)
        last = self._last
        if last is not None and last is not self._shown and not self._quiet:
            self._safely(lambda: self._print_line(last, None))

    def _safely(self, display: Callable[[], object]) -> None:
        """Run it; when it fails, be quiet from here on.

        A closed terminal or a fault of the display library must not cost hours of training.
        """
        try:
            display()
        except Exception:
            self._quiet, self._due, self._mark = True, inf, inf
            if self._live:
                with suppress(Exception):
                    self._live.stop()  # gives the cursor back

    def _draw(self, record: Record, now: float) -> None:
        clock, first = self._start = self._start or (now, record.iteration)
        done, ahead = record.iteration - first, self._total - record.iteration
        left = (now - clock) / done * ahead if done > 0 else None
        if self._live:
            self._due = now + _FRAME
            self._live.update(self._bar_line(record, left), refresh=True)
        else:
            self._due = now + max(_SILENCE, (now - clock) / 10)
            tenths = 10 * record.iteration // self._total
            self._mark = self._total * (tenths + 1) / 10
            self._print_line(record, left)
            self._shown = record

    def _print_line(self, record: Record, left: float | None) -> None:
        facts = self._facts(record, left)
        times = ", ".join(facts.pop(key) for key in ("elapsed", "left") if key in facts)
        self._console.print(Text("  ".join([*facts.values(), times])), soft_wrap=True)

    def _bar_line(self, record: Record, left: float | None) -> RenderableType:
        width = self._console.width
        bar = _BAR if width >= 100 else max(width // 8, 4)
        line = Table.grid(padding=(0, 2))
        line.add_column(no_wrap=True)
        line.add_column(no_wrap=True)
        line.add_row(
            ProgressBar(self._total, record.iteration, width=bar, complete_style="cyan"),
            Text(_fitting(self._facts(record, left), width - bar - 2)),
        )
        return line

    def _facts(self, record: Record, left: float | None) -> dict[str, str]:
        facts = {"position": self._position(record), "loss": f"loss {number(record.train_loss)}"}
        if record.validation_loss is not None:
            facts["validation"] = f"validation {number(record.validation_loss)}"
        facts["rate"] = f"rate {record.rate:.3g}"
        facts["elapsed"] = duration(record.seconds)
        if left is not None and round(left) and record.iteration < self._total:
            facts["left"] = f"{duration(round(left))} left"
        return facts

    def _position(self, record: Record) -> str:
        name, done, total = "iteration", record.iteration, self._total
        if self._total_epochs is not None:
            name, done, total = "epoch", record.epoch, self._total_epochs
        return f"{self.prefix}{name} {done:>{len(str(total))}}/{total}"


class MemberRecord(Record, Protocol):
    """The record of one member of an ensemble."""

    @property
    def member(self) -> int:
        """From 1."""
        ...


class _Together(NamedTuple):
    """The records of several members as that of one training."""

    epoch: int
    iteration: int  # the sum
    rate: float
    train_loss: float  # the mean
    validation_loss: float | None
    seconds: float

    @classmethod
    def of(cls, newest: Record, last: Collection[Record]) -> Self:
        """The losses are the mean over the members that are in about the newest one's epoch."""
        beside = [one for one in last if abs(one.epoch - newest.epoch) <= 1]
        watched = [one.validation_loss for one in beside if one.validation_loss is not None]
        return cls(
            newest.epoch,
            sum(one.iteration for one in last),
            newest.rate,
            fmean(one.train_loss for one in beside),
            fmean(watched) if watched else None,
            newest.seconds,
        )


class EnsembleProgress:
    """The members of an ensemble as one training; they train at once or one after another."""

    def __init__(self, shown: TrainingProgress, members: int) -> None:
        self._shown, self._members = shown, members
        self._last: dict[int, Record] = {}

    def update(self, record: MemberRecord) -> None:
        """Take the newest record of one of them."""
        self._last[record.member] = record
        self._shown.prefix = f"{len(self._last)} of {self._members} members, "
        self._shown.update(_Together.of(record, self._last.values()))


def watch(
    records: Iterable[MemberRecord],
    terminal: Terminal,
    updates: int,
    epochs: int | None,
    members: int,
) -> None:
    """Train, by iterating, and show it; `updates` are those of all members."""
    progress = TrainingProgress(
        terminal.err, terminal.interactive, updates, epochs, terminal.verbosity < 0
    )
    shown = EnsembleProgress(progress, members) if members > 1 else progress
    with progress:
        for record in records:
            shown.update(record)


class CountProgress:
    """Shows how many pieces of work are done: one redrawn line, or plain lines at every tenth.

    `below` gives what stands below the line that is redrawn.
    """

    def __init__(
        self,
        console: Console,
        interactive: bool,
        noun: str,
        quiet: bool,
        below: Callable[[], RenderableType] | None = None,
    ) -> None:
        self._console, self._noun, self._quiet, self._below = console, noun, quiet, below
        self._live = _live(console) if interactive and not quiet else None
        self._tenth = 0

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def update(self, done: int, total: int, seconds: float, noun: str = "") -> None:
        """So many of the pieces known to be needed are done; another noun begins other work."""
        text = f"{done}/{total} {noun or self._noun}, {duration(seconds)}"
        if self._live:
            line = Table.grid(padding=(0, 2))
            line.add_row(ProgressBar(total, done, width=_BAR, complete_style="cyan"), Text(text))
            shown = Group(line, self._below()) if self._below else line
            self._live.update(shown, refresh=True)
        elif not self._quiet and 10 * done // total > self._tenth:
            self._tenth = 10 * done // total
            self._console.print(Text(text))

    def __exit__(self, *error: object) -> None:
        if self._live:
            self._live.stop()


def _live(console: Console) -> Live:
    # No refresh thread: it would compete with training.  stdout stays untouched for results.
    return Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False)


def _fitting(facts: dict[str, str], width: int) -> str:
    """The facts on one line, without the least important ones if they do not fit."""
    for name in ("", *_EXPENDABLE):
        facts.pop(name, None)
        line = "  ".join(facts.values())
        if len(line) <= width:
            break
    return line
