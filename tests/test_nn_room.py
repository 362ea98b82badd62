"""Room for large arrays: files whose pages are let go, with the numbers of arrays in memory."""

from __future__ import annotations

import errno
import gc
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bpcli.config.errors import OutputError
from bpcli.nn import room


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that has the arrays, which are files at any size."""
    monkeypatch.setattr(room, "LARGE", 1)
    room.enter(tmp_path)
    yield tmp_path
    room.leave()


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape)


def test_arrays_are_files_without_a_name(folder: Path) -> None:
    array = room.zeros((3, 4), np.float32)
    assert (array.shape, array.dtype, array.any()) == ((3, 4), np.float32, False)
    array[...] = 1
    assert array.sum() == 12
    assert not list(folder.iterdir())


def test_outside_of_it_they_are_memory(tmp_path: Path) -> None:
    assert not room.is_open()
    assert room.empty((2, 2)).base is None
    given = numbers(5, 2)
    assert room.kept(given) is given


@pytest.mark.parametrize("rising", [False, True])
def test_rows_are_taken(folder: Path, rising: bool) -> None:
    given, rows = room.kept(numbers(5000, 3)), np.random.default_rng(1).permutation(5000)[:3000]
    if rising:
        rows = np.sort(rows)
    assert np.array_equal(room.taken(given, rows), given[rows])
    out = np.empty((2, 3000, 3))
    assert np.array_equal(room.take(np.stack([given, -given]), rows, out, axis=1)[1], -given[rows])


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("at_once", [1, 70, 10_000])
def test_rows_are_made_in_blocks(
    folder: Path, axis: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "AT_ONCE", at_once)
    given = numbers(50, 4)
    made = room.by_rows(given, lambda x: np.moveaxis(np.stack([x, -x], axis=1), 0, axis), axis)
    assert np.array_equal(made, np.moveaxis(np.stack([given, -given], axis=1), 0, axis))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux for its pages")
@pytest.mark.parametrize("child", [False, True])
def test_pages_are_let_go(folder: Path, child: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    gc.collect()
    array = room.empty((1 << 22,))
    before = room._mapped_bytes()
    monkeypatch.setattr(room, "KEPT", before + (1 << 23))
    if child and (pid := os.fork()):
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        return
    array.fill(3)
    end = time.monotonic() + 20
    while room._mapped_bytes() > room.KEPT and time.monotonic() < end:
        time.sleep(0.01)
    fine = room._mapped_bytes() <= room.KEPT and float(array.sum()) == 3 << 22
    if child:
        os._exit(not fine)
    assert fine


def test_a_full_disk_is_said_before_a_page_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OutputError, match="80,000 bytes for an array: No space left"):
        room.empty((100, 100))
