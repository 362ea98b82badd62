"""Trials that share a process: which do, and that each ends as it would alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from resuming import KILL, end, flowers, wait_for
from running import begin, bpcli, table

from bpcli.experiment.load import load
from bpcli.runs.journal import JOURNAL
from bpcli.runs.tune import SUMMARY, TABLE, tuning
from bpcli.selection.sharing import dealt
from bpcli.selection.trial import Group, Scored
from bpcli.selection.tuning import Tuning

CONFIG = """\
data: {path: flowers.csv, target: species}
network: [{dense: 6}, relu]
learning_rate: 0.001
batch_size: 16
epochs: 3
split: {folds: 4}
tune: {trials: 9, batch: 4, sampler: random, space: {learning_rate: {log_uniform: [1e-3, 0.3]}}}
"""
PENALTIES = "tune.space={regularization.l2: {log_uniform: [1e-4, 0.1]}}"
FAILING = "tune.space={learning_rate: {log_uniform: [1e-3, 1e30]}}"
LONGER = ("--set", "epochs=60")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return flowers(tmp_path, CONFIG)


def search(config: Path, *assignments: str) -> Tuning:
    return tuning(load(config, [*assignments, "threads=1"]))[1].whole


def proposed(config: Path, *assignments: str) -> Tuning:
    """With a first batch of proposals, of which nothing is trained."""
    found = search(config, *assignments)
    while numbers(groups := found.pending()) == [[0]]:  # the config as it is, in steps of folds
        found.take(found.work(groups[0]))
    return found


def numbers(groups: list[Group]) -> list[list[int]]:
    return [[one.number for one in group.trials] for group in groups]


def files(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in (TABLE, SUMMARY)]


def test_trials_of_a_batch_that_differ_in_the_rate_are_one_group(config: Path) -> None:
    found = proposed(config)
    assert numbers(found.pending()) == [[1, 2, 3, 4]]
    assert numbers(found.pending(2)) == [[1, 2], [3, 4]]
    assert numbers(found.pending(9)) == [[1], [2], [3], [4]]


def test_so_are_those_that_differ_in_how_strong_a_penalty_is(config: Path) -> None:
    assert numbers(proposed(config, PENALTIES).pending()) == [[1, 2, 3, 4]]
    either = "tune.space={regularization.l2: {choice: [0, 0.1]}}"
    groups = proposed(config, either).pending()
    found = [{one.values["regularization.l2"] > 0 for one in group.trials} for group in groups]
    assert sorted(map(list, found)) == [[False], [True]]


def test_others_train_apart(config: Path) -> None:
    both = "tune.space={learning_rate: {uniform: [0.01, 0.1]}, batch_size: {choice: [8, 32]}}"
    found = proposed(config, both)
    groups = found.pending()
    sizes = [{one.values["batch_size"] for one in group.trials} for group in groups]
    assert sorted(map(list, sizes)) == [[8], [32]]
    assert sorted(n for own in numbers(groups) for n in own) == [1, 2, 3, 4]


def test_wide_networks_train_apart(config: Path) -> None:
    found = proposed(config, "network=[{dense: 200}, relu, {dense: 200}, relu]", "epochs=1")
    assert numbers(found.pending()) == [[1], [2], [3], [4]]


@pytest.mark.parametrize("pruner", ["none", "hyperband"])
@pytest.mark.parametrize("space", ["", PENALTIES, FAILING], ids=["", "penalties", "some fail"])
def test_each_ends_as_it_would_alone(config: Path, space: str, pruner: str) -> None:
    settings = [space] if space else []
    found = proposed(config, *settings, f"tune.pruner={pruner}")
    (group,) = found.pending()
    together = Scored.from_json(found.work(group)).trials
    for one in group.trials:
        alone = Scored.from_json(found.work(group._replace(trials=[one]))).trials
        assert together[one.number] == alone[one.number]
    failed = [bool(scores[0].failure) for scores in together.values()]
    assert len(failed) == 4 and any(failed) == (space == FAILING) and not all(failed)


def test_a_killed_search_goes_on_to_the_bytes_of_any_jobs(config: Path) -> None:
    place, words = config.parent, ("tune", config, "--no-train", "--set", FAILING, *LONGER)
    for jobs in (1, 2, 4):
        bpcli(*words, "-o", f"s{jobs}", "-j", jobs, cwd=place)
    assert files(place / "s1") == files(place / "s2") == files(place / "s4")
    states = {row["state"] for row in table((place / "s1" / TABLE).read_text())}
    assert states == {"complete", "failed"}
    process = begin(*words, "-o", "killed", "-j", 1, cwd=place)
    wait_for(place / "killed" / JOURNAL, process)
    end(process, KILL)
    bpcli(*words, "-o", "killed", "-j", 2, "--resume", cwd=place)
    assert files(place / "killed") == files(place / "s1")
    scored = (place / "killed" / JOURNAL).read_text().splitlines()[1:]
    trials = [number for line in scored for number in Scored.from_json(line).trials]
    assert sorted(trials) == list(range(9))


def test_groups_are_remembered_by_their_line(config: Path) -> None:
    found = proposed(config)
    (group,) = found.pending()
    line = found.work(group)
    assert sorted(json.loads(line)[2]) == ["1", "2", "3", "4"]
    found.take(line)
    assert numbers(found.pending()) == [[5, 6, 7, 8]]


def test_items_are_dealt_out_in_runs() -> None:
    assert dealt("abcde", 9, 1) == ["abcde"]
    assert dealt("abcde", 2, 1) == ["a", "bc", "de"]
    assert dealt("abcde", 9, 2) == ["ab", "cde"]
    assert dealt("ab", 9, 4) == ["a", "b"]
