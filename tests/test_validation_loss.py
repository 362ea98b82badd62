"""A validation loss that is not finite is a divergence: it ends training, or halves the rate."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from running import ROOT

from bpcli.config.errors import NumericError
from bpcli.experiment.fit import Fit
from bpcli.experiment.load import load
from bpcli.experiment.parts import StopSpec
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.stopping import Record, StopRule
from bpcli.experiment.validation import Validator
from bpcli.metrics.classification import Accuracy
from bpcli.runs.resolved import prepare_and_resolve


def fit(folder: Path, monkeypatch: pytest.MonkeyPatch, losses: list[float], *lines: str) -> Fit:
    """A training whose validation losses are these, and 0.1 afterwards."""
    coming = iter(losses)
    monkeypatch.setattr(Validator, "losses", lambda self: [next(coming, 0.1)])
    monkeypatch.setattr(Validator, "metric", lambda self, replica: 0.5)
    data = f"data: {{path: {ROOT / 'data' / 'iris.csv'}, target: species}}"
    network = "network: [{dense: 4}]\nbatch_size: full\nepochs: 5\nlearning_rate: 0.5"
    (folder / "c.yaml").write_text("\n".join([data, network, *lines]))
    prepared, config = prepare_and_resolve(load(folder / "c.yaml"))
    return Fit.of(LearningProblem.of(config, prepared))


@pytest.mark.parametrize("loss", [math.inf, math.nan])
def test_it_ends_training_in_its_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: float
) -> None:
    training = fit(tmp_path, monkeypatch, [0.9, 0.8, loss])
    records: list[Record] = []
    with pytest.raises(NumericError) as caught:
        records.extend(training)
    (problem,) = caught.value.problems
    assert (problem.id, problem.where) == ("BP-N002", "iteration 3")
    assert "the validation loss is no longer finite, at learning rate 0.5" in problem.what
    assert "learning_rate" in problem.fix
    assert training.snapshot().is_finite


def test_backoff_goes_back_and_halves_the_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = fit(tmp_path, monkeypatch, [0.9, math.inf, 0.8], "on_divergence: backoff")
    records = list(training)
    assert training.replicas[0].halvings == [2]
    assert [record.rate for record in records] == [0.5, 0.25, 0.25, 0.25, 0.25]
    assert [record.validation_loss for record in records] == [0.9, 0.8, 0.1, 0.1, 0.1]


@pytest.mark.parametrize("first", [math.inf, math.nan])
def test_a_rule_that_begins_without_a_number_finds_a_better_one(first: float) -> None:
    rule = StopRule(StopSpec(patience=2, min_delta=0.5), Accuracy())
    for epoch, (loss, best) in enumerate([(first, 1), (3.0, 2), (2.9, 2), (first, 2)], 1):
        _, reason = rule.judge(Record(epoch, epoch, 0.1, 1.0, loss, 0.5, 1.0, 0.0))
        assert rule.best_epoch == best
    assert "patience" in reason
