"""Successive halving over folds: rates that do badly on the first folds are spared the others.

After 2, 4, 8 … folds the better half of the rates goes on, two at least; one with a failed fold is
out at once. What a round is judged by are whole trainings, scored like all others: a rate on a fold
is the same training as without a race.  Jamieson & Talwalkar 2016, arXiv:1502.07943
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bpcli.selection.choice import Candidate, rank


def rounds(folds: int) -> Iterator[int]:
    """How many folds each round before the last has been through: 2, 4, 8 … of `folds`."""
    done = 2
    while done < folds:
        yield done
        done *= 2


def better_half(candidates: Sequence[Candidate], better: str) -> set[tuple[str, float]]:
    """The settings and rates that go on; fewer where folds have failed."""
    going_on = rank(candidates, better)[: max(2, (len(candidates) + 1) // 2)]
    return {(one.setting, one.rate) for one in going_on}
