"""Which worker each share of the shards is left to."""

from __future__ import annotations

import pytest

from bpcli.runs.sharded import settled

CASES = {
    "at the start evenly": (4, {}, "ab", {0: "a", 1: "b", 2: "a", 3: "b"}),
    "as before": (2, {0: "b", 1: "a"}, "ab", {0: "b", 1: "a"}),
    "one is lost": (2, {0: "a", 1: "b"}, "b", {0: "b", 1: "b"}),
    "and replaced": (2, {0: "a", 1: "b"}, "bc", {0: "c", 1: "b"}),
    "one comes": (2, {0: "a", 1: "b"}, "abc", {0: "a", 1: "b"}),
    "none is left": (2, {0: "a", 1: "b"}, "", {}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_share_stays_where_its_rows_are(name: str) -> None:
    shares, homes, workers, expected = CASES[name]
    assert settled(range(shares), homes, list(workers)) == expected
