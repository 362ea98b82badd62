"""One training run from a loaded config to a complete run folder, also in several sittings."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

from bpcli.config.dump import dump
from bpcli.config.errors import Notice, Problem, ResourceError
from bpcli.data.account import account
from bpcli.execution.cluster import Joining
from bpcli.experiment.imbalance import imbalance
from bpcli.experiment.load import Loaded
from bpcli.experiment.members import Members
from bpcli.experiment.memory import require_cores, require_training_memory
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.remarks import missed, remarks
from bpcli.experiment.shards import local_steps
from bpcli.experiment.stopping import Record
from bpcli.insight.diagnosis import Told, of_replicas
from bpcli.insight.watch import Watch
from bpcli.nn import room
from bpcli.runs import folder as names
from bpcli.runs.cache import beside
from bpcli.runs.checkpoint import (
    Pace,
    checkpoint_bytes,
    differences,
    read_checkpoint,
    require_same,
)
from bpcli.runs.claim import Claim
from bpcli.runs.columns import ColumnsOn
from bpcli.runs.converting import convert_on
from bpcli.runs.decided import prepare_and_decide
from bpcli.runs.ending import telling
from bpcli.runs.files import is_durable, write_file, write_parts
from bpcli.runs.folder import CHECKPOINT, environment, state_of, write_json
from bpcli.runs.header import damaged
from bpcli.runs.identity import Identity
from bpcli.runs.model import require_run
from bpcli.runs.outcome import AnyOutcome, results_of
from bpcli.runs.resolved import Preparing, prepared_of, written_from
from bpcli.runs.sharded import shards_on
from bpcli.runs.signals import requests
from bpcli.runs.tables import csv_text, diagnostics_csv, split_csv
from bpcli.selection.number_of_clusters import Candidate, with_number


class TrainingRun:
    """Prepare at construction, train by iteration, evaluate and write by `finish`.

    Everything that can be checked is checked before the folder is made. As a context it frees the
    folder at its end. With `resume` it goes on from the folder's checkpoint, or from the start
    where there is none; `other_threads` accepts another number of them than before. A `cluster`
    does the work of the config's shards, and looks at the columns of a table in a cache.
    """

    def __init__(
        self,
        loaded: Loaded,
        output: Path | None = None,
        *,
        force: bool = False,
        resume: bool = False,
        other_threads: bool = False,
        cluster: str | None = None,
    ) -> None:
        claim = Claim(loaded.path, output, force, resume)
        claim.check()
        self.loaded = beside(loaded, claim.parent)
        self._joining = None if cluster is None else Joining(cluster)
        with ExitStack() as stack:
            stack.callback(room.leave)
            if self._joining is not None:
                stack.callback(self._joining.leave)
            self._begin(claim, other_threads, stack)
            self._held = stack.pop_all()  # to the end of the run

    def _begin(self, claim: Claim, other_threads: bool, stack: ExitStack) -> None:
        loaded = self.loaded
        preparing: Preparing = prepared_of
        if self._joining is not None:
            convert_on(self._joining, loaded)
            preparing = partial(prepared_of, each=ColumnsOn(self._joining, loaded))
        self.prepared, config, self.preset = prepare_and_decide(loaded, preparing)
        self.config, self.number = with_number(config, self.prepared)
        self.problem = LearningProblem.of(self.config, self.prepared)
        require_training_memory(self.problem)
        require_cores(self.config)
        self.identity = Identity.of(self.config, self.prepared.table)
        self.members = Members.of(self.problem)
        self.fit = self.members.fit(self._pause)
        self.watch = Watch(self.fit, self.config.output.diagnostics_every)
        self._account = account(self.prepared)
        chosen = [one.notice() for one in (self.preset, self.number) if one]
        notices = (*self.members.notices, *imbalance(self.problem), *local_steps(self.config))
        self.notices = [*chosen, *notices]  # about the run
        self.remarks: list[Notice] = []  # about the training, once it has ended
        self.findings: list[Told] = []  # of these, what ails its networks
        self.saved_at: int | None = None  # the iteration of the checkpoint on disk
        self.completed = False  # by an earlier sitting
        self._pace = Pace(self.config.output.checkpoint_every)
        self.folder, lock = claim.take(loaded.inputs, self._space())
        stack.callback(lock.release)
        if claim.resume and (self.folder / CHECKPOINT).exists():
            self._go_on(other_threads)
        if not is_durable(self.folder):
            self.notices.append(Notice("BP-O020", str(self.folder), *_NOT_DURABLE))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ending: object) -> None:
        self._held.close()

    def __iter__(self) -> Iterator[Record]:
        """Train; `run.json` tells the truth at every moment.

        The first signal to end waits for the update at work, and for the checkpoint after it.
        """
        if self.completed:
            return
        with self._telling(), requests.deferred(), self._elsewhere():
            self._write_state("running")  # first, so that the folder is known for a run's
            if self.saved_at is None:
                self._write_plan()
                self.watch.begin()
            for record in self.fit:
                self.watch.follow(record)
                yield record
            self._save()

    def finish(self) -> AnyOutcome:
        """Predict every row with the final weights, score, and write what is left."""
        with self._telling():
            self.watch.end()
            readings, replicas = self.watch.readings, self.fit.replicas
            self.findings = of_replicas(replicas, readings, self.fit.records)
            self.remarks = [*remarks(replicas), *(told.notice() for told in self.findings)]
            results = results_of(self.members, self.fit, self.folder)
            outcome = results.outcome
            if not self.completed:
                write_file(self.folder / names.DIAGNOSTICS, diagnostics_csv(readings))
                results.write(self.identity)
                self._write_state("completed", **outcome.ending())
        return outcome

    @property
    def missed_threshold(self) -> bool:
        """Whether a training loss is not below `stop.threshold` at the end."""
        return any(missed(one) for one in self.fit.replicas)

    @property
    def on_disk(self) -> str:
        """What the folder holds of a run that has not ended well."""
        if self.saved_at is None:
            return f"{self.folder} has no checkpoint yet"
        return f"{self.folder} has a checkpoint at iteration {self.saved_at}"

    def _go_on(self, other_threads: bool) -> None:
        """From the checkpoint, if it is one of this very run."""
        checkpoint = read_checkpoint(self.folder / CHECKPOINT)
        name = str(self.folder / CHECKPOINT)
        require_run(checkpoint.record.identity.run, self.folder, name)
        require_same(checkpoint, self.identity, self.folder, threads_too=not other_threads)
        try:
            self.fit.restore(checkpoint.snapshot, checkpoint.history)
            self.watch.readings = checkpoint.diagnostics
        except ValueError as error:
            raise damaged(name, str(error)) from None
        self.saved_at = self.fit.iterations
        self.completed = state_of(self.folder) == "completed"
        self.notices += differences(checkpoint, environment())

    @contextmanager
    def _elsewhere(self) -> Iterator[None]:
        """With a cluster for the shards, where one is asked for; it has no more to do then."""
        if self._joining is None:
            yield
            return
        try:
            cluster = self._joining.cluster
            self.fit.elsewhere = shards_on(cluster, self.loaded, self.problem, self._pause)
            yield
        finally:
            self._joining.leave()

    def _pause(self) -> None:
        """Before each update: end where that was asked, keep a checkpoint when it is time."""
        if requests.any:
            self._save()
            requests.require_none()
        if self._pace.is_due:
            self._save()

    def _save(self) -> None:
        """Write the checkpoint, unless numbers have become infinite: then the last one is kept."""
        began = time.monotonic()
        snapshot = self.fit.snapshot()
        if snapshot.is_finite:
            told = self.fit.records, self.watch.readings
            content = checkpoint_bytes(self.identity, environment(), snapshot, *told)
            write_file(self.folder / CHECKPOINT, content)
            self.saved_at = self.fit.iterations
        self._pace.wrote(time.monotonic() - began)

    def _write_plan(self) -> None:
        """What is known before the first update."""
        write_file(self.folder / names.GIVEN, self.loaded.text)
        plain = written_from(self.config, self.loaded.folder, self.folder)
        write_file(self.folder / names.RESOLVED, dump(plain))
        if self.number is not None:
            write_file(
                self.folder / names.NUMBERS, csv_text(Candidate._fields, self.number.candidates)
            )
        folds = self.members.fold_of_rows() if self.members.folds else None
        write_parts(self.folder / names.SPLIT, split_csv(self.prepared, folds))

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Write down and say how the run ended when it ends with an error."""
        with telling(self._write_state, lambda: self.on_disk):
            try:
                yield
            except MemoryError:
                where = f"iteration {self.fit.iterations + 1}"
                raise ResourceError(Problem("BP-R021", where, *_NO_MEMORY)) from None

    def _write_state(self, state: str, **facts: Any) -> None:
        prepared = self.prepared
        record = {
            "state": state,
            "run": self.identity.run,
            "task": prepared.task,
            "task_reason": prepared.reason,
            **facts,
            "epochs": max(one.epochs for one in self.fit.replicas),
            "iterations": self.fit.iterations,
            "seconds": round(self.fit.seconds, 3),
            "rate_halved_at": [at for one in self.fit.replicas for at in one.halvings],
            "seed": self.config.seed,
            "threads": self.config.threads,
            "shards": self.config.shards,
            "sync_every": self.config.sync_every,
            "parameters": self.members.parameters,
            "data": {
                "files": self.config.data.files,
                "sha256": prepared.table.sha256,
                "account": self._account,
            },
            "columns": [column.model_dump() for column in prepared.columns],
            "notices": [n._asdict() for n in (*prepared.notices, *self.notices, *self.remarks)],
            "environment": environment(),
        }
        write_json(self.folder / names.RECORD, record)

    def _space(self) -> int:
        """Bytes of the files of this run, roughly and rather more: an old checkpoint stays
        until the new one is whole."""
        arrays = self.fit.snapshot().arrays.values()
        members = self.members.size * int(self.fit.group.state.flat[0].nbytes)
        rows = 100 * self.prepared.table.n_rows
        return 100_000 + 3 * (sum(array.nbytes for array in arrays) + members) + rows


_NO_MEMORY = "there is no memory left", "use smaller batches or fewer units, then go on by --resume"
_NOT_DURABLE = (
    "this file system has no fsync: what is written may not survive a power loss",
    "choose another place with -o where that matters",
)
