"""Training in memory: the engine's epochs with validation, the best weights, and stopping."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np

from bpcli.config.errors import NumericError, Problem, ResourceError
from bpcli.experiment.cause import Scaling, likely_cause
from bpcli.experiment.config import StopSpec
from bpcli.experiment.stopping import Record, StopRule
from bpcli.experiment.validation import Validation, Validator, record_of
from bpcli.nn.batches import Rows
from bpcli.nn.divergence import Diverged
from bpcli.nn.layer import Array
from bpcli.nn.network import Network
from bpcli.nn.training import Epoch, Method, State, train

MOST_HALVINGS = 10


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
    ) -> None:
        self.network, self.method, self.rows = network, method, rows
        self.backoff, self.scaling = backoff, scaling
        self.halvings: list[int] = []  # the iterations at which the rate was halved
        self.state = State.start(network, method, rows.x.dtype.name, rows)
        self.stop_reason = ""
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

    def __iter__(self) -> Iterator[Record]:
        """Train, one record an epoch.  Raises NumericError when training diverges for good."""
        start = time.monotonic()
        for epoch in self._epochs():
            loss, metric = self._validate()
            record = record_of(epoch, 0, loss, metric, time.monotonic() - start)
            self._observe(record)
            self.stop_reason = self._judge(record)
            yield record
            if self.stop_reason:
                return
        self.stop_reason = last_reason(self.method, self.state)

    def _epochs(self) -> Iterator[Epoch]:
        """Epochs of the engine; with backoff, a divergence starts again from the lowest loss."""
        kept, lowest = self.state.copy() if self.backoff else None, np.inf
        while True:
            try:
                for epoch in train(self.network, self.method, self.state, self.rows):
                    yield epoch
                    if kept is not None and epoch.loss[0] < lowest:
                        kept, lowest = self.state.copy(), epoch.loss[0]
                return
            except ChildProcessError as error:
                raise ResourceError(_lost(error)) from None
            except Diverged as diverged:
                if kept is None or len(self.halvings) == MOST_HALVINGS:
                    problem = divergence(diverged, self.rows, self.scaling, self.halvings)
                    raise NumericError(problem) from None
                self.state.restore(kept)
                self.method = self.method._replace(rates=[r / 2 for r in self.method.rates])
                self.halvings.append(diverged.iteration)

    def _observe(self, record: Record) -> None:
        """Tell the schedule the monitored loss."""
        loss, state = np.array([self._rule.monitored(record)]), self.state
        schedule, total = self.method.schedule, self.method.iterations
        schedule.observe(state.schedule, loss, state.iteration, total)

    def _validate(self) -> tuple[float | None, float | None]:
        """Loss and metric of the validation rows, where there are any."""
        if self._validator is None:
            return None, None
        return self._validator.losses()[0], self._validator.metric(0)

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


def divergence(
    diverged: Diverged, rows: Rows, scaling: Scaling | None, halvings: Sequence[int] = ()
) -> Problem:
    """What to tell the user of a training that diverged for good."""
    before = diverged.loss_before
    history = "" if np.isnan(before) else f", after a loss of {before:.4g}"
    halved = f"; the rate was halved {len(halvings)} times" if halvings else ""
    verb = "are" if diverged.what == "weights" else "is"
    cause, fix = likely_cause(rows, scaling, diverged.rate)
    return Problem(
        "BP-N001",
        f"iteration {diverged.iteration}",
        f"the training {diverged.what} {verb} no longer finite{history}, at learning rate "
        f"{diverged.rate:g}; it begins in {diverged.layer}{halved}; likely cause: {cause}",
        fix,
    )
