"""Training in memory: the engine's epochs with validation, the best weights, and stopping."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from bpcli.config.errors import NumericError, Problem, ResourceError
from bpcli.experiment.cause import Scaling, likely_cause
from bpcli.experiment.config import StopSpec
from bpcli.experiment.progress import Progress, Snapshot, text_of, under
from bpcli.experiment.stopping import Record, StopRule
from bpcli.experiment.validation import Validation, Validator, record_of
from bpcli.nn.batches import Rows
from bpcli.nn.divergence import Diverged
from bpcli.nn.layer import Array
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.state import Saved, State
from bpcli.nn.stepper import Epoch
from bpcli.nn.training import train

MOST_HALVINGS = 10
WATCHED = "validation loss"  # what of a training that is not finite, beside what the engine names


class Fit:
    """One training run; iterating trains, and the attributes tell what came of it."""

    def __init__(
        self,
        network: Network,
        method: Method,
        rows: Rows,
        validation: Validation | None,
        stop: StopSpec,
        *,
        backoff: bool = False,
        scaling: Scaling | None = None,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self.network, self.method, self.rows = network, method, rows
        self.scaling, self.pause = scaling, pause
        self.halvings: list[int] = []  # the iterations at which the rate was halved
        self.state = State.start(network, method, rows.x.dtype.name, rows)
        self.stop_reason = ""
        self._kept = self.state.saved() if backoff else None  # where backoff goes back to
        self._lowest = np.inf
        self._began, self._spent = time.monotonic(), 0.0  # this sitting, and those before
        self._validation = validation
        self._rule = StopRule(stop, validation.metric if validation else None)
        self._validator = validation and Validator(
            network, method.loss, [validation], self.state.result
        )
        self._best: Array | None = None

    @property
    def best_epoch(self) -> int | None:
        """The epoch whose weights were kept; None where the last ones were."""
        return self._rule.best_epoch if self._best is not None else None

    @property
    def weights(self) -> Array:
        """Parameters (R,P) of the best epoch where that was asked for, else of the last."""
        return self.state.result if self._best is None else self._best

    @property
    def seconds(self) -> float:
        """Of training so far, over all sittings."""
        return time.monotonic() - self._began + self._spent

    def __iter__(self) -> Iterator[Record]:
        """Train, one record an epoch.  Raises NumericError when training diverges for good.

        `pause` is called before each update, when a snapshot may be taken.
        """
        if self.stop_reason:  # restored from the snapshot of a finished training
            return
        self._began = time.monotonic()
        for record in self._epochs():
            self._observe(record)
            self.stop_reason = self._judge(record)
            yield record
            if self.stop_reason:
                return
        self.stop_reason = last_reason(self.method, self.state)

    def snapshot(self) -> Snapshot:
        """All that training needs to go on to the same bytes; the arrays are not copies."""
        progress = Progress(
            counts=self.state.counts(),
            rates=tuple(self.method.rates),
            halvings=tuple(self.halvings),
            best=text_of(self._rule.best),
            best_epoch=self._rule.best_epoch,
            lowest=text_of(self._lowest),
            kept=None if self._kept is None else dict(self._kept.counts),
            seconds=self.seconds,
            stop_reason=self.stop_reason,
        )
        return Snapshot(progress, self._arrays())

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot of the same training.  Raises ValueError where it is another's."""
        progress, arrays = snapshot
        snapshot.require_like(self._arrays(), self.state.flat)
        self.state.restore(Saved(under("state", arrays), progress.counts))
        if self._kept is not None and progress.kept is not None:
            self._kept = Saved(under("kept", arrays), progress.kept)
        self._best = arrays["best"].copy() if "best" in arrays else None
        self.method = self.method._replace(rates=progress.rates)
        self.halvings = list(progress.halvings)
        self._rule.best, self._rule.best_epoch = float(progress.best), progress.best_epoch
        self._lowest, self._spent = float(progress.lowest), progress.seconds
        self.stop_reason = progress.stop_reason

    def _arrays(self) -> dict[str, Array]:
        kept = {} if self._kept is None else self._kept.arrays
        return {
            **{f"state.{name}": array for name, array in self.state.arrays().items()},
            **{f"kept.{name}": array for name, array in kept.items()},
            **({} if self._best is None else {"best": self._best}),
        }

    def _epochs(self) -> Iterator[Record]:
        """Epochs of the engine; with backoff, a divergence starts again from the lowest loss."""
        while True:
            try:
                for epoch in train(self.network, self.method, self.state, self.rows, self.pause):
                    yield self._record(epoch)
                    if self._kept is not None and epoch.loss[0] < self._lowest:
                        self._kept, self._lowest = self.state.saved(), float(epoch.loss[0])
                return
            except ChildProcessError as error:
                raise ResourceError(_lost(error)) from None
            except Diverged as diverged:
                if self._kept is None or len(self.halvings) == MOST_HALVINGS:
                    raise NumericError(self._told(diverged)) from None
                self.state.restore(self._kept)
                self.method = self.method._replace(rates=[r / 2 for r in self.method.rates])
                self.halvings.append(diverged.iteration)

    def _observe(self, record: Record) -> None:
        """Tell the schedule the monitored loss."""
        loss, state = np.array([self._rule.monitored(record)]), self.state
        schedule, total = self.method.schedule, self.method.iterations
        schedule.observe(state.schedule, loss, state.iteration, total)

    def _record(self, epoch: Epoch) -> Record:
        """The epoch with loss and metric of the validation rows, where there are any."""
        if self._validator is None:
            return record_of(epoch, 0, None, None, self.seconds)
        (loss,) = self._validator.losses()
        if not math.isfinite(loss):
            raise unscored(epoch, 0)
        return record_of(epoch, 0, loss, self._validator.metric(0), self.seconds)

    def _told(self, diverged: Diverged) -> Problem:
        validation = self._validation if diverged.what == WATCHED else None
        rows = validation.rows if validation else self.rows
        return divergence(diverged, rows, self.scaling, self.halvings)

    def _judge(self, record: Record) -> str:
        better, reason = self._rule.judge(record)
        if better and self._rule.restores:
            self._best = self.state.result.copy()
        return reason


def _lost(error: ChildProcessError) -> Problem:
    fix = "free some memory, or compute in one process with threads: 1"
    return Problem("BP-R002", "training", str(error), fix)


def last_reason(method: Method, state: State) -> str:
    """Why the engine has no further epoch."""
    if state.iteration < method.iterations:
        return f"{method.optimizer.name} has converged"
    return f"all {state.iteration} iterations done"


def unscored(epoch: Epoch, replica: int) -> Diverged:
    """The validation loss is not finite after an epoch."""
    rate = float(epoch.rate[replica])
    return Diverged(WATCHED, replica, epoch.iteration, rate, math.nan, "")


def divergence(
    diverged: Diverged, rows: Rows, scaling: Scaling | None, halvings: Sequence[int] = ()
) -> Problem:
    """What to tell the user of a training that diverged for good; `rows` are those it shows on."""
    before = diverged.loss_before
    history = "" if np.isnan(before) else f", after a loss of {before:.4g}"
    halved = f"; the rate was halved {len(halvings)} times" if halvings else ""
    verb = "are" if diverged.what == "weights" else "is"
    cause, fix = likely_cause(rows, scaling, diverged.rate)
    watched = diverged.what == WATCHED
    what = (
        f"the {'' if watched else 'training '}{diverged.what} {verb} no longer finite{history}, "
        f"at learning rate {diverged.rate:g}"
    )
    begins = "" if watched else f"; it begins in {diverged.layer}"
    where, end = f"iteration {diverged.iteration}", f"{begins}{halved}; likely cause: {cause}"
    return Problem("BP-N002" if watched else "BP-N001", where, what + end, fix)
