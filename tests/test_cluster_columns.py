"""Columns that workers of a cluster look at: what comes of it is what comes of it here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from clusters import children
from resuming import KILL
from test_data_cache import CONFIGS, TAIL, cut, flip
from test_data_cache import table as text

from bpcli.config.errors import BpcliError, DataError, ResourceError
from bpcli.data.arrays import Ints
from bpcli.data.each import Look, Names, Result
from bpcli.data.prepare import Prepared
from bpcli.data.table import Table
from bpcli.execution.cluster import Joining
from bpcli.experiment.load import Loaded, load
from bpcli.nn import room
from bpcli.runs.cache import folder_of, reader
from bpcli.runs.columns import ColumnsOn
from bpcli.runs.resolved import prepared_of

KINDS = (
    *("numbers", "three classes and weights", "several numbers", "labels", "groups", "time"),
    *("another word for a gap", "an autoencoder"),
)


@pytest.fixture(scope="module")
def joining() -> Iterator[Joining]:
    """One cluster of this machine for all tests."""
    joining = Joining("local:2")
    yield joining
    joining.leave()


@pytest.fixture(autouse=True)
def no_room() -> Iterator[None]:
    yield
    room.leave()


def loaded_from(folder: Path, config: str, rows: str = text(), cache: str = "true") -> Loaded:
    """A config whose table is in three files."""
    for i, part in enumerate(cut(rows, 0, 3, 150)):
        (folder / f"part-{i}.csv").write_text(part, encoding="utf-8")
    (folder / "c.yaml").write_text(config.replace("t.csv", "part-*.csv") + TAIL)
    return load(folder / "c.yaml", [f"data.cache={cache}"])._replace(beside=folder)


def table_of(loaded: Loaded) -> Table:
    return reader(loaded)(loaded.folder, loaded.config.data)


def facts_of(prepared: Prepared) -> dict[str, object]:
    """All that was found out, arrays by their bytes."""
    tensors = {**prepared.features.fitted, **prepared.target_fitted}
    arrays = {"sets": prepared.sets, "x": prepared.x, "t": prepared.t, **tensors}
    return {
        **{name: array.tobytes() for name, array in arrays.items()},
        "columns": prepared.columns,
        "layout": prepared.features.layout,
        "notices": [one for one in prepared.notices if one.id != "BP-D200"],
    }


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_found_out_is_the_same(tmp_path: Path, kind: str, joining: Joining) -> None:
    loaded = loaded_from(tmp_path, CONFIGS[kind])
    there = prepared_of(loaded.config, loaded, each=ColumnsOn(joining, loaded))
    in_memory = loaded.with_values(data=loaded.config.data.model_copy(update={"cache": False}))
    assert facts_of(there) == facts_of(prepared_of(loaded.config, in_memory))


def who(table: Table, names: Names, rows: Ints) -> tuple[int, str, int]:
    """A look that says where it is done, and at what."""
    return os.getpid(), *names, int(rows.sum())


def looked(
    joining: Joining, loaded: Loaded, table: Table, look: Look[Result], *names: str
) -> list[Result]:
    """What comes of some columns, or of all, and of three rows."""
    columns, rows = [(name,) for name in names or table.names], np.array([0, 3, 200])
    return ColumnsOn(joining, loaded)(look, table, columns, rows)


def test_workers_look_at_the_columns(tmp_path: Path, joining: Joining) -> None:
    loaded = loaded_from(tmp_path, CONFIGS["numbers"])
    table = table_of(loaded)
    pids, names, sums = zip(*looked(joining, loaded, table, who), strict=True)
    assert (names, set(sums)) == (table.names, {203})
    assert set(pids) <= set(children(os.getpid()))


def test_nothing_is_looked_at_here(
    tmp_path: Path, joining: Joining, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*given: object, **more: object) -> None:
        raise AssertionError

    monkeypatch.setattr("bpcli.data.roles.is_id_name", refused)
    monkeypatch.setattr("bpcli.data.fitting.count_gaps", refused)
    monkeypatch.setattr("bpcli.data.fitting.numbers_of", refused)
    monkeypatch.setattr("bpcli.data.suspicions.ranks", refused)
    loaded = loaded_from(tmp_path, CONFIGS["numbers"])
    prepared = prepared_of(loaded.config, loaded, each=ColumnsOn(joining, loaded))
    assert "BP-D143" in {notice.id for notice in prepared.notices}
    with pytest.raises(AssertionError):
        prepared_of(loaded.config, loaded)


def test_a_table_in_memory_needs_no_cluster(tmp_path: Path) -> None:
    nowhere = Joining(str(tmp_path / "no.json"))
    loaded = loaded_from(tmp_path, CONFIGS["numbers"], cache="false")
    found = looked(nowhere, loaded, table_of(loaded), who, "a")
    assert found == [(os.getpid(), "a", 203)]
    in_cache = loaded_from(tmp_path, CONFIGS["numbers"])
    with pytest.raises(ResourceError, match="no such scheduler file"):
        looked(nowhere, in_cache, table_of(in_cache), who, "a")


WRONG = {
    "day": ("date", "BP-D017"),
    "word": ("boolean", "BP-D018"),
    "many": ("numeric", "BP-D016"),
    "half": ("date", "BP-D025"),
    "label": ("numeric", "BP-D016"),
}


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path, joining: Joining) -> None:
    declared = ", ".join(f"{name}: {role}" for name, (role, _) in WRONG.items())
    config = f"data: {{path: t.csv, target: y, columns: {{{declared}}}}}\n"
    loaded = loaded_from(tmp_path, config, text().replace("2011-03-02", "second"))
    said = list[tuple[object, ...]]()
    for each in ({}, {"each": ColumnsOn(joining, loaded)}):
        with pytest.raises(DataError) as caught:
            prepared_of(loaded.config, loaded, **each)
        said.append(caught.value.problems)
    assert said[0] == said[1]
    found = [problem.id for problem in caught.value.problems]
    numbers = ["BP-D016"] * found.count("BP-D016")
    assert found == [*numbers, "BP-D018", "BP-D017", "BP-D025"]
    assert len(numbers) == 2


def end_once(table: Table, names: Names, rows: Ints, mark: Path) -> Names:
    """A look that ends the first process that does it."""
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), KILL)
    return names


def test_a_killed_worker_costs_its_columns_only(tmp_path: Path, joining: Joining) -> None:
    loaded = loaded_from(tmp_path, CONFIGS["numbers"])
    table = table_of(loaded)
    look = partial(end_once, mark=tmp_path / "mark")
    assert looked(joining, loaded, table, look) == [(name,) for name in table.names]
    assert (tmp_path / "mark").exists()


DAMAGE: dict[str, tuple[str, Callable[[Path], None], str, list[str]]] = {
    "the text of a column": ("2.text", flip, "BP-R050", ["b"]),
    "its numbers": ("2.f8", flip, "BP-R050", ["b"]),
    "what all columns need": ("lines.i8", flip, "BP-R050", ["a", "b"]),
    "no record": ("record.json", Path.unlink, "BP-R033", ["a", "b"]),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_column_is_looked_at_where_its_own_files_are_whole(
    tmp_path: Path, joining: Joining, name: str
) -> None:
    file, damage, id, refused = DAMAGE[name]
    loaded = loaded_from(tmp_path, CONFIGS["numbers"])
    table = table_of(loaded)
    damage(folder_of(tmp_path, tmp_path / "part-1.csv", loaded.config.data) / file)
    found = list[str]()
    for column in ("a", "b"):
        try:
            looked(joining, loaded, table, who, column)
        except BpcliError as error:
            assert [problem.id for problem in error.problems] == [id]
            found.append(column)
    assert found == refused
