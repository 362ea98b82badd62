"""A genuine model, changed: any other byte is refused, before anything big is allocated."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import pytest
from bad_inputs.case import Case, arrange, model
from bad_inputs.model import CASES
from fuzzing.run import mutants

from bpcli.config.errors import ModelError
from bpcli.runs.model import read_model
from bpcli.runs.tensorfile import unpack


def test_every_flipped_bit_of_a_genuine_model_is_refused() -> None:
    content = bytearray(model())
    for bit in range(8 * len(content)):
        content[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ModelError):
            unpack(bytes(content), "m")
        content[bit // 8] ^= 1 << bit % 8
    unpack(bytes(content), "m")


def test_every_truncation_of_a_genuine_model_is_refused() -> None:
    content = model()
    for end in range(len(content)):
        with pytest.raises(ModelError):
            unpack(content[:end], "m")


def test_2000_random_mutations_are_refused() -> None:
    genuine = model()
    changed = (m for m in mutants([genuine], random.Random(0)) if m != genuine[: len(m)])
    for _ in range(2000):
        with pytest.raises(ModelError):
            unpack(next(changed), "m")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refusing_costs_little_memory(case: Case, tmp_path: Path) -> None:
    """At most twice the file and a little more, whatever sizes the file tells of."""
    arrange(case, tmp_path)
    for path in (tmp_path / name for name in case.files):
        tracemalloc.start()
        with pytest.raises(ModelError):
            read_model(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2 * path.stat().st_size + 20_000_000
