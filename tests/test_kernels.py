"""B3: with the arithmetic of another processor the same training predicts the same to rounding.

Row 79 of the fault matrix. `tests/kernels.py` prints the table of docs/reliability.md.
"""

from __future__ import annotations

import platform

import pytest
from kernels import KERNELS, apart, under

MOST = {"float64": 1e-9, "float32": 1e-4}  # what `bpcli verify` allows as well


@pytest.mark.skipif(platform.machine() != "x86_64", reason="these are kernels of x86-64")
@pytest.mark.parametrize("dtype", MOST)
def test_other_arithmetic_agrees_to_rounding(dtype: str) -> None:
    variables = KERNELS["BLAS without AVX"] | KERNELS["NumPy without AVX2"]
    assert 0 < apart(under(dtype), under(dtype, **variables)) < MOST[dtype]
