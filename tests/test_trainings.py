"""Which training of a fold is scored, and what is left to do: by results made up for it."""

from __future__ import annotations

import pytest
from running import ROOT

from bpcli.experiment.load import load
from bpcli.runs.resolved import prepare_and_resolve
from bpcli.selection.study import Finished, Key, Study, Trial
from bpcli.selection.trainings import Trainings

FOLDS = ["split.folds=3", "split.repeats=2", "threads=1"]


def trainings(name: str, *settings: str) -> tuple[Trainings, list[Key]]:
    loaded = load(ROOT / "configs" / f"{name}.yaml", [*FOLDS, *settings])
    study = Study({"": prepare_and_resolve(loaded)})
    return Trainings(study), study.keys([0.1])


def done(key: Key, epoch: int | None) -> Finished:
    score = (None, None) if epoch is None else (0.5, 0.9)
    failure = "diverged" if epoch is None else ""
    return Finished(1.0, [Trial(*key, *score, epoch, epoch or 3, "", failure)], [[]])


def lengths(known: Trainings, keys: list[Key]) -> list[int | None]:
    return [scored.length for scored in known.scored(keys).values()]


@pytest.mark.parametrize(
    "epochs, expected",
    [
        ([10, 20, 60, 7, 7, 7], [40, 35, 15, 7, 7, 7]),  # another repeat has no say
        ([10, 20, None, 1, 5, 1], [20, 10, None, 3, 1, 3]),  # one that fails has no epoch
        ([10, None, None, None, None, None], [10, None, None, None, None, None]),
    ],
)
def test_each_fold_is_scored_after_what_the_others_take(
    epochs: list[int | None], expected: list[int | None]
) -> None:
    known, keys = trainings("wine")
    for number, (key, epoch) in enumerate(zip(keys, epochs, strict=True)):
        failed = sum(1 for one in epochs[:number] if one is None)
        assert known.pending(keys) == keys[number:]
        assert known.left(keys) == 2 * 6 - number - failed
        known.take(done(key, epoch))
    assert lengths(known, keys) == expected
    second = [key._replace(length=length) for key, length in zip(keys, expected, strict=True)]
    assert known.pending(keys) == [key for key in second if key.length]
    assert known.left(keys) == len(known.pending(keys))
    for key in known.pending(keys):
        known.take(done(key, key.length))
    assert known.pending(keys) == [] and known.left(keys) == 0
    assert [one.key for one in known.results(keys)] == second


@pytest.mark.parametrize(
    "name, setting, watches",
    [
        ("wine", "stop.patience=3", True),
        ("wine", "stop={restore_best: true}", True),
        ("wine", "stop={target_metric: 0.9}", True),
        ("wine", "stop={patience: 3, monitor: train_loss}", False),
        ("wine", "stop={}", False),
        ("iris", "schedule=cosine", False),
        ("iris", "schedule=reduce_on_plateau", True),
        ("linear_regression", "stop={patience: 3}", False),  # it has no validation rows
    ],
)
def test_a_second_training_where_the_rows_have_a_say(
    name: str, setting: str, watches: bool
) -> None:
    known, keys = trainings(name, setting)
    for key in keys:
        known.take(done(key, 5))
    assert lengths(known, keys) == [5 if watches else None] * len(keys)
