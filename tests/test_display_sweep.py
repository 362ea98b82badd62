"""What the plots of a sweep show: the rates that compete, and where the others are."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from bpcli.display.sweep import sweep_table
from bpcli.display.window import window


def candidate(rate: float, mean: float | None, error: float | None = 0.1) -> dict[str, Any]:
    score = {"mean": mean, "standard_error": error, "mean_loss": mean, "mean_epoch": 3}
    failed = 5 if mean is None else 0
    return {"learning_rate": rate, **score, "failed_folds": failed, "folds": 5, "out": False}


@pytest.mark.parametrize(
    "means, better, expected",
    [
        ([3.0, 2.0, 4.0], "lower", (1.9, 4.1)),  # all of them
        ([3.0, 2.0, 4.0, 900.0, None], "lower", (1.9, 6.5)),  # to thrice the median's distance
        ([0.9, 0.8, 0.7, 0.1, 0.7], "higher", (0.3, 1.0)),
        ([0.9, 0.9, 0.9, 0.1], "higher", (0.0, 1.0)),  # most are as good as the best
        ([None], "lower", (0.0, 0.0)),
    ],
)
def test_window(means: list[float | None], better: str, expected: tuple[float, float]) -> None:
    candidates = [candidate(rate, mean) for rate, mean in enumerate(means, 1)]
    assert window(candidates, better) == pytest.approx(expected)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_what_is_far_off_is_an_arrow_and_a_narrow_table_is_whole(width: int) -> None:
    candidates = [candidate(rate, mean) for rate, mean in ((1, 3.0), (2, 2.0), (3, 90.0), (4, 2.2))]
    facts = {"also": None, "metric": "rmse", "better": "lower", "choice": None}
    console = Console(width=width, file=io.StringIO())
    with console.capture() as shown:
        console.print(sweep_table({**facts, "candidates": candidates}, [1.0] * 4))
    assert "…" not in shown.get() and max(map(len, shown.get().splitlines())) <= width
    rows = shown.get().splitlines()[1:]
    assert ["●" in row for row in rows] == [True, True, False, True]
    assert ["›" in row for row in rows] == [False, False, True, False]
    columns = [row.index("●") for row in rows if "●" in row]
    assert columns[1] < columns[2] < columns[0]
