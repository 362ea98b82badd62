"""What a diagnosis is made from: the config, what was seen in training, and how it went."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from bpcli.experiment.config import Config
from bpcli.experiment.stopping import Record
from bpcli.insight.look import INPUTS, LOSS, TARGET, Reading, finite

SMOOTH = 5  # epochs whose median is a loss at a moment
LATE = 0.1  # the last share of the epochs, whose median is how a loss ended


class Evidence(NamedTuple):
    """Of one network."""

    config: Config  # resolved
    readings: Sequence[Reading]
    records: Sequence[Record]
    updates: int  # that the config asks for
    best_epoch: int | None = None  # whose weights are kept; None where the last ones are
    diverged: str = ""  # what training said when it ended with numbers that are not finite

    def data(self, which: str) -> Reading | None:
        """What was seen of `inputs` or `target`."""
        return next((one for one in self.readings if one.layer == which), None)

    @property
    def rate(self) -> float:
        """The learning rate that was set."""
        given = self.config.learning_rate
        assert self.config.optimizer is not None
        return float(given) if isinstance(given, float) else self.config.optimizer.learning_rate

    @property
    def has_target(self) -> bool:
        """Whether scores are of the size of a target; distances to centres are of any."""
        return self.config.loss is not None and self.config.loss.supervised

    @property
    def looks(self) -> list[list[Reading]]:
        """The layers, each time that they were looked at; the last one at the weights kept."""
        found: list[list[Reading]] = []
        for one in self.readings:
            if one.layer in (INPUTS, TARGET):
                continue
            if not found or found[-1][-1].layer == LOSS:
                found.append([])
            found[-1].append(one)
        return found

    def losses(self, validation: bool) -> list[float]:
        """The training or validation loss of each epoch."""
        if not validation:
            return [one.train_loss for one in self.records]
        return [one.validation_loss for one in self.records if one.validation_loss is not None]


def layers(look: Sequence[Reading], *, inner: bool = False) -> list[Reading]:
    """The layers of a look, those inside others only where asked for."""
    return [one for one in look if one.layer != LOSS and (inner or "." not in one.layer)]


def loss_of(look: Sequence[Reading]) -> tuple[float, float]:
    """(the loss, that of scores that are all 0)."""
    one = look[-1]
    return finite(one.mean), finite(one.rms)


def smoothed(losses: Sequence[float]) -> list[float]:
    """The median of some epochs from each one on; the last entry is how it ended."""
    width = min(SMOOTH, max(1, len(losses) // 2))
    course = [median(losses[i : i + width]) for i in range(len(losses) - width + 1)]
    return [*course, median(losses[-max(1, round(LATE * len(losses))) :])] if losses else []


def place(one: Reading) -> str:
    """`layer 3 (dense)`"""
    return f"layer {one.layer} ({one.name})"
