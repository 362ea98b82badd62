"""Shards that are encoded one by one, from what is read of them: the bits of all at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from test_data_cache import CONFIGS, TAIL, cut
from test_data_cache import table as text

from bpcli.data.marked import Marked
from bpcli.data.read import TableReader
from bpcli.data.split import TRAIN
from bpcli.data.table import Table
from bpcli.experiment.learning import OwnRuns
from bpcli.experiment.load import load
from bpcli.experiment.problem import LearningProblem
from bpcli.nn import room
from bpcli.nn.shards import runs_of
from bpcli.runs.cache import beside
from bpcli.runs.resolved import prepare_and_resolve

SHARDS = 7
KINDS = (
    *("numbers", "two classes", "three classes and weights", "several numbers", "labels"),
    *("float64 and bins", "time", "an autoencoder"),
)


@pytest.fixture(autouse=True)
def blocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Caches in blocks of some 100 rows, arrays made by less."""
    in_small_parts = partial(TableReader, block=64)
    monkeypatch.setattr("bpcli.runs.conversion.open_table", in_small_parts)
    monkeypatch.setattr("bpcli.runs.conversion.CELLS", 160)
    monkeypatch.setattr(room, "AT_ONCE", 300)
    yield
    room.leave()


def problem_of(folder: Path, config: str, cache: str) -> LearningProblem:
    (folder / "t.csv").write_text(text(), encoding="utf-8")
    (folder / "c.yaml").write_text(config + TAIL)
    loaded = beside(load(folder / "c.yaml", [f"data.cache={cache}"]), folder)
    prepared, resolved = prepare_and_resolve(loaded)
    return LearningProblem.of(resolved, prepared)


def own_runs(problem: LearningProblem, table: Table) -> tuple[OwnRuns, list[slice]]:
    rows = problem.prepared.rows(TRAIN)
    parts = runs_of(len(rows), SHARDS)
    marked = [Marked.of(rows[own]) for own in parts]
    encoding, learning = problem.prepared.encoding, problem.learning()
    return OwnRuns(table, encoding, learning, marked, problem.weights()), parts


@pytest.mark.parametrize("cache", ["false", "true"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_shard_has_the_bits_that_it_has_among_all_rows(
    tmp_path: Path, kind: str, cache: str
) -> None:
    problem = problem_of(tmp_path, CONFIGS[kind], cache)
    whole = problem.training_rows()
    own, parts = own_runs(problem, problem.prepared.table)
    assert (own.size, own.dtype) == (whole.size, whole.dtype)
    for part in reversed(parts):
        for made, among_all in zip(own.run(part), whole.run(part), strict=True):
            assert made.dtype == among_all.dtype
            assert made.tobytes() == among_all.tobytes()


@pytest.mark.parametrize("own", [slice(0, 900), slice(3, 4), slice(97, 371), slice(899, 900)])
def test_of_a_cache_only_blocks_with_such_rows_are_read(tmp_path: Path, own: slice) -> None:
    for i, part in enumerate(cut(text(900), 0, 3, 350)):
        (tmp_path / f"part-{i}.csv").write_text(part, encoding="utf-8")
    problem = problem_of(tmp_path, CONFIGS["numbers"].replace("t.csv", "part-*.csv"), "true")
    whole = problem.prepared.table
    near, first = whole.around(own)
    assert near.n_rows <= own.stop - own.start + 2 * 128
    rows = np.arange(own.start, own.stop)
    for name in whole.names:
        assert near.texts(name, rows - first).tolist() == whole.texts(name, rows).tolist()
        numbers, among_all = near.cells(name).numbers, whole.cells(name).numbers
        assert numbers[rows - first].tobytes() == among_all[rows].tobytes()
    assert near.where(own.start - first) == whole.where(own.start)


def test_other_shards_are_not_encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = problem_of(tmp_path, CONFIGS["numbers"], "true")
    asked = list[slice]()
    around = type(problem.prepared.table).around

    def noted(table: Table, own: slice) -> tuple[Table, int]:
        asked.append(own)
        return around(table, own)

    monkeypatch.setattr(type(problem.prepared.table), "around", noted)
    own, parts = own_runs(problem, problem.prepared.table)
    own.run(parts[2])
    own.run(parts[2])
    rows = problem.prepared.rows(TRAIN)[parts[2]]
    assert asked == [slice(int(rows[0]), int(rows[-1]) + 1)]


@pytest.mark.parametrize("rows", [[], [0], [5], [3, 4, 9], range(2, 60), [0, 1000]])
def test_marked_rows_are_the_rows(rows: list[int]) -> None:
    marked = Marked.of(np.array(rows, dtype=np.int64))
    assert marked.rows.tolist() == list(rows)
    assert marked.size == len(rows)
    assert marked.bits.nbytes <= 126
