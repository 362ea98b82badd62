"""A short storm and a thin fault loop; `make storm` and `make faults` run them whole."""

from __future__ import annotations

from pathlib import Path

import faults
import storm


def test_killed_runs_end_in_the_bytes_of_calm_ones(tmp_path: Path) -> None:
    kills, runs = storm.storm(kills=4, seed=1, jobs=1, folder=tmp_path, most=4)
    assert kills >= 4
    assert runs >= 1


def test_each_call_that_writes_may_fail(tmp_path: Path) -> None:  # rows 34-36, 38, 41, 53, 54
    assert faults.loop(each=101, errors=faults.ERRORS, folder=tmp_path) >= 40
