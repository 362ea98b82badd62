"""Training as it is watched: in a pipe, on a terminal, on a broken one."""

import io
import re
from time import perf_counter
from typing import NamedTuple

import pytest
from rich.console import Console

from bpcli.display import progress
from bpcli.display.progress import CountProgress, TrainingProgress


class Epoch(NamedTuple):
    epoch: int
    iteration: int
    rate: float = 0.01
    train_loss: float = 0.1234
    validation_loss: float | None = 0.14
    seconds: float = 0.8


class Clock:
    """A clock that only moves when told."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "perf_counter", clock)
    return clock


def plain(width=80):
    return Console(file=io.StringIO(), width=width, _environ={})


def terminal(width=80):
    return Console(
        file=io.StringIO(),
        width=width,
        force_terminal=True,
        force_interactive=True,
        color_system=None,
        _environ={},
    )


def train(console, clock, epochs, seconds_each, total=None, **options):
    total = total or epochs
    with TrainingProgress(console, False, 8 * total, total, **options) as shown:
        for epoch in range(1, epochs + 1):
            clock.now += seconds_each
            shown.update(Epoch(epoch, 8 * epoch, seconds=seconds_each * epoch))
    return console.file.getvalue().splitlines()


def test_a_short_run_prints_about_ten_lines(clock):
    lines = train(plain(), clock, 2000, 0.001)
    assert [line.partition("  loss")[0] for line in lines] == [
        f"epoch {epoch:>4}/2000" for epoch in (1, *range(200, 2001, 200))
    ]
    assert lines[1] == (
        "epoch  200/2000  loss 0.1234  validation 0.1400  rate 0.01  0.2 s, 2 s left"
    )


def test_a_slow_run_is_never_silent_for_long(clock):
    lines = train(plain(), clock, 60, 1.0)
    assert 10 < len(lines) <= 24


def test_a_day_does_not_fill_the_log(clock):
    assert len(train(plain(), clock, 2000, 43.2)) < 120


def test_few_epochs_print_each(clock):
    assert len(train(plain(), clock, 3, 0.001)) == 3


def test_an_early_stop_prints_its_last_epoch_and_no_time_left(clock):
    last = train(plain(), clock, 777, 0.001, total=2000)[-1]
    assert last == "epoch  777/2000  loss 0.1234  validation 0.1400  rate 0.01  0.8 s"


def test_iterations_where_no_epochs_were_asked_for(clock):
    console = plain()
    with TrainingProgress(console, False, 50) as shown:
        shown.update(Epoch(1, 5, validation_loss=None))
    assert console.file.getvalue() == "iteration  5/50  loss 0.1234  rate 0.01  0.8 s\n"


@pytest.mark.parametrize("interactive", [False, True])
def test_quiet_is_silent(interactive):
    console = terminal()
    with TrainingProgress(console, interactive, 8, 1, quiet=True) as shown:
        shown.update(Epoch(1, 8))
    assert console.file.getvalue() == ""


def test_nothing_trained_shows_nothing():
    console = plain()
    with TrainingProgress(console, False, 8, 1):
        pass
    assert console.file.getvalue() == ""


def test_a_failing_run_shows_its_last_epoch():
    console = plain()
    with pytest.raises(KeyboardInterrupt), TrainingProgress(console, False, 800, 100) as shown:
        shown.update(Epoch(1, 8))
        shown.update(Epoch(2, 16))
        raise KeyboardInterrupt
    assert "epoch   2/100" in console.file.getvalue()


def frames(console):
    """The lines that a terminal would have drawn, without cursor codes."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\r", console.file.getvalue())
    return [line.rstrip() for line in re.split(r"[\r\n]+", text) if line.strip()]


@pytest.mark.parametrize(
    ("width", "facts"),
    [
        (120, "epoch  50/100  loss 0.1234  validation 0.1400  rate 0.01  0.8 s  10 s left"),
        (80, "epoch  50/100  loss 0.1234  validation 0.1400  0.8 s  10 s left"),
        (60, "epoch  50/100  loss 0.1234  validation 0.1400"),
        (40, "epoch  50/100  loss 0.1234"),
    ],
)
def test_one_line_that_fits_the_terminal(clock, width, facts):
    console = terminal(width)
    with TrainingProgress(console, True, 800, 100) as shown:
        shown.update(Epoch(1, 8))
        clock.now += 9.8
        shown.update(Epoch(50, 400))
    bar, _, rest = frames(console)[1].partition("  ")
    assert set(bar) <= set("━╸╺ ")
    assert rest.strip() == facts
    assert all(len(frame) <= width for frame in frames(console)[:-1])


def test_a_tiny_terminal_does_not_crash():
    console = terminal(20)
    with TrainingProgress(console, True, 800, 100) as shown:
        shown.update(Epoch(1, 8))
    assert console.file.getvalue()


def test_at_most_ten_frames_a_second(clock):
    console = terminal()
    with TrainingProgress(console, True, 80_000, 10_000) as shown:
        for epoch in range(1, 10_001):
            clock.now += 0.0001
            shown.update(Epoch(epoch, 8 * epoch))
    assert 9 <= len(frames(console)) <= 12
    assert "epoch 10000/10000" in frames(console)[-1]


def test_an_update_that_is_not_due_costs_next_to_nothing():
    with TrainingProgress(terminal(), True, 10**9, 10**8) as shown:
        epoch = Epoch(1, 8)
        shown.update(epoch)
        start = perf_counter()
        for _ in range(50_000):
            shown.update(epoch)
        assert perf_counter() - start < 0.5  # 2 µs each is 0.1 s on an idle machine


@pytest.mark.parametrize("interactive", [False, True])
def test_a_broken_display_does_not_end_training(interactive):
    class Broken(io.StringIO):
        writes = 0

        def write(self, text):
            self.writes += 1
            raise OSError("gone")

    console = Console(file=Broken(), force_terminal=interactive, _environ={})
    with TrainingProgress(console, interactive, 80, 10) as shown:
        for epoch in range(1, 11):
            shown.update(Epoch(epoch, 8 * epoch))
    assert 1 <= console.file.writes <= 3


@pytest.mark.parametrize("interactive", [True, False])
def test_what_stands_below_the_count_is_redrawn_with_it_on_a_terminal_only(interactive):
    console, rows = terminal() if interactive else plain(), []
    with CountProgress(console, interactive, "trainings", False, lambda: ", ".join(rows)) as shown:
        for done in range(1, 11):
            rows.append(f"row{done}")
            shown.update(done, 10, 1.0)
    text = console.file.getvalue()
    assert "10/10 trainings, 1 s" in text
    assert ("row1, row2" in text) == interactive
