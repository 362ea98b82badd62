"""A little of `make fuzz`: every target takes its seeds, and some inputs near them."""

from __future__ import annotations

import random
from itertools import islice

import pytest
from fuzzing.run import mutants
from fuzzing.targets import TARGETS, run, seeds


@pytest.mark.parametrize("name", TARGETS)
def test_target(name: str) -> None:
    starts = seeds(name)
    assert len(starts) > 10
    for content in [*starts, *islice(mutants(starts, random.Random(1)), 300)]:
        run(name, content)
