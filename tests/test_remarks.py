"""What is said of a training that has ended without an error, and not well."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from running import ROOT, bpcli

from bpcli.experiment.remarks import stopped
from bpcli.nn.activations import Relu, Tanh
from bpcli.nn.layer import Array
from bpcli.nn.layers import Dense
from bpcli.nn.network import Network

X = np.random.default_rng(0).normal(size=(1, 50, 3))
RELU, TANH = Network((Dense(units=4), Relu(), Dense(units=1)), (3,)), Tanh()


def weights(network: Network, **changes: float) -> Array:
    """Start values with some parameters filled with a number, by their key."""
    flat = network.init(0, [0], np.float64)
    for slot in network.slots:
        name = slot.key.removeprefix("layers.").replace(".", "")
        if f"at{name}" in changes:
            flat[:, slot.start : slot.stop] = changes[f"at{name}"]
    return flat


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"at0b": -100.0}, "layer 2 (relu)"),  # all units are off for all rows
        ({"at0W": 0.0, "at0b": 1.0}, "layer 1 (dense)"),
        ({"at2W": 0.0}, "layer 3 (dense)"),
    ],
)
def test_the_first_layer_that_gives_the_same_for_all_rows(
    changes: dict[str, float], said: str
) -> None:
    notices = stopped(RELU, weights(RELU, **changes), X)
    assert [notice.where for notice in notices] == ([said] if said else [])


def test_saturated_units_are_found_and_equal_rows_are_no_sign() -> None:
    network = Network((Dense(units=4), TANH, Dense(units=1)), (3,))
    flat = weights(network, at0b=100.0)
    (notice,) = stopped(network, flat, X)
    assert notice.where == "layer 2 (tanh)" and "0% of them zero" in notice.what
    assert stopped(network, flat, np.repeat(X[:, :1], 9, axis=1)) == []


@pytest.mark.parametrize(
    ("threshold", "options", "code"),
    [
        ("1e-9", (), 0),
        ("1e-9", ("--require-threshold",), 9),
        ("100", ("--require-threshold",), 0),
        ("null", ("--require-threshold",), 2),
    ],
)
def test_a_threshold_may_be_required(
    tmp_path: Path, threshold: str, options: tuple[str, ...], code: int
) -> None:  # row 67
    data = f"data: {{path: {ROOT / 'data' / 'iris.csv'}, target: species}}\n"
    (tmp_path / "c.yaml").write_text(f"{data}network: []\nepochs: 2\n")
    words = ("train", "c.yaml", "-o", "run", "--set", f"stop.threshold={threshold}", *options)
    done = bpcli(*words, cwd=tmp_path, code=code)
    missed = threshold == "1e-9"
    assert ("warning[BP-N003] stop.threshold: the training loss is" in done.stderr) == missed
    if code in (0, 9):
        facts = json.loads((tmp_path / "run" / "run.json").read_text())
        assert facts["state"] == "completed"
        assert ("BP-N003" in [notice["id"] for notice in facts["notices"]]) == missed
