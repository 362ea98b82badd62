"""bpcli tune with outer folds: the search again without each, scored on what it never saw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clusters import by_hand
from resuming import INT, KILL, end, wait_for
from running import begin, bpcli, table, write_csv

from bpcli.config.errors import DataError
from bpcli.data.split import EXCLUDED, SET_NAMES, TEST, TRAIN, VALIDATION
from bpcli.experiment.load import load
from bpcli.runs.journal import JOURNAL
from bpcli.runs.nested import NESTED
from bpcli.runs.tune import BEST, SUMMARY, TABLE, tuning
from bpcli.selection.nested import NestedTuning
from bpcli.selection.trial import Scored

CONFIG = """\
data: {path: t.csv, target: y}
network: [{dense: 4}, tanh]
learning_rate: 0.01
batch_size: 16
epochs: 4
split: {folds: 3}
tune:
  trials: 4
  batch: 2
  outer_folds: 3
  space: {learning_rate: {log_uniform: [1e-3, 1]}, batch_size: {choice: [8, 32]}}
"""
FILES = (TABLE, SUMMARY, BEST, NESTED)
WORDS = ("tune", "c.yaml", "--no-train")
FOLDS = 3


def rows_of(n: int = 90) -> list[dict[str, Any]]:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 2)).round(4)
    y = (np.sin(2 * x[:, 0]) + x[:, 1] + 0.2 * rng.normal(size=n)).round(4)
    return [
        {"a": float(a), "b": float(b), "who": f"p{i // 5}", "day": i // 3, "y": float(value)}
        for i, ((a, b), value) in enumerate(zip(x, y, strict=True))
    ]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a search in `s`, by one process in one go."""
    folder = begun(tmp_path_factory.mktemp("nested"))
    tune(folder, "-o", "s", "-j", 1)
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return begun(tmp_path)


def begun(folder: Path) -> Path:
    write_csv(folder / "t.csv", rows_of())
    (folder / "c.yaml").write_text(CONFIG)
    return folder


def tune(place: Path, *arguments: object) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(bpcli(*WORDS, *arguments, "--json", cwd=place).stdout)
    return facts


def files(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in FILES]


def summary(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / SUMMARY).read_text())
    return facts


def searches(place: Path, *assignments: str) -> NestedTuning:
    return tuning(load(place / "c.yaml", [*assignments, "threads=1"]))[1]


def test_what_is_told_is_what_the_folds_say(done: Path) -> None:
    nested = summary(done / "s")["nested"]
    rows = table((done / "s" / NESTED).read_text())
    inner, outer = (
        np.array([float(row[f"{which}_rmse"]) for row in rows]) for which in ("inner", "outer")
    )
    assert [row["fold"] for row in rows] == ["1", "2", "3"]
    assert nested["mean"] == pytest.approx(outer.mean())
    assert nested["standard_error"] == pytest.approx(outer.std(ddof=1) / np.sqrt(FOLDS))
    assert nested["optimism"] == pytest.approx((inner - outer).mean())
    for row, fold in zip(rows, nested["folds"], strict=True):
        assert row["learning_rate"] == str(fold["values"].get("learning_rate", ""))


def test_any_jobs_and_any_interruption_give_the_same_bytes(done: Path) -> None:
    calm = files(done / "s")
    journal = (done / "s" / JOURNAL).read_text().splitlines(keepends=True)
    scored = [Scored.from_json(line) for line in journal[1:]]
    assert sum(len(one.trials) for one in scored) == 4 * (1 + FOLDS) + FOLDS
    for kept in (1, 9, len(journal) - 1):
        cut = done / f"cut-{kept}"
        cut.mkdir()
        (cut / JOURNAL).write_text("".join(journal[:kept]))
        (cut / "run.json").write_text('{"state": "interrupted", "command": "tune"}')
        tune(done, "-o", cut.name, "--resume", "-j", 2)
        assert files(cut) == calm


def test_a_search_that_is_ended_goes_on(place: Path) -> None:
    longer = ("--set", "epochs=60")
    words, journal = (*WORDS, "-o", "s", *longer), place / "s" / JOURNAL
    tune(place, "-o", "whole", *longer)
    process = begin(*words, cwd=place)
    wait_for(journal, process)
    assert end(process, INT)[0] == 130
    kept = journal.read_bytes()
    process = begin(*words, "--resume", cwd=place)
    while journal.read_bytes() == kept:
        assert process.poll() is None
    end(process, KILL)
    assert not (place / "s" / NESTED).exists()
    tune(place, "-o", "s", *longer, "--resume")
    assert files(place / "s") == files(place / "whole")


def test_a_cluster_finds_the_same(done: Path) -> None:
    with by_hand(done) as cluster:
        tune(done, "-o", "c", "--cluster", cluster.file.name)
    assert files(done / "c") == files(done / "s")


def test_outer_folds_may_be_asked_of_a_finished_search(done: Path) -> None:
    plain, none = done / "plain", ("--set", "tune.outer_folds=null")
    tune(done, "-o", plain, *none)
    assert summary(plain) == summary(done / "s") | {"nested": None}
    tune(done, "-o", plain, "--resume", "--outer-folds", 3)
    assert files(plain) == files(done / "s")
    tune(done, "-o", plain, "--resume", "--outer-folds", 2)
    assert len(table((plain / NESTED).read_text())) == 2
    tune(done, "-o", plain, "--resume", *none)
    assert not (plain / NESTED).exists()


def test_rows_of_an_outer_fold_have_no_say_in_its_search(done: Path, place: Path) -> None:
    before = summary(done / "s")["nested"]["folds"]
    sets = searches(place).without[0].prepare()[0].sets
    rows = rows_of()
    for i in np.flatnonzero(sets == TEST):
        rows[i] |= {"a": -rows[i]["a"], "y": 5 - 2 * rows[i]["y"]}
    write_csv(place / "t.csv", rows)
    after = tune(place, "-o", "other")["nested"]["folds"]
    kept = ("trial", "inner", "values")
    assert [after[0][key] for key in kept] == [before[0][key] for key in kept]
    assert after[0]["outer"] != before[0]["outer"]
    assert all(after[i]["inner"] != before[i]["inner"] for i in (1, 2))


def test_an_outer_fold_is_a_search_of_its_own(place: Path) -> None:
    """The rows of the fold test, the others are divided as they were: by `bpcli tune` itself."""
    whole = ("--set", "split.test=0")
    outer = tune(place, "-o", "s", *whole)["nested"]["folds"]
    for number, search in enumerate(searches(place, whole[1]).without):
        words = [SET_NAMES[one] for one in search.prepare()[0].sets.tolist()]
        rows = [row | {"set": word} for row, word in zip(rows_of(), words, strict=True)]
        write_csv(place / "t.csv", rows)
        alone = ("--set", "data.split=set", "--set", "tune.outer_folds=null", *whole)
        done = bpcli(*WORDS[:2], "-o", f"alone-{number}", *alone, "--json", cwd=place)
        facts = json.loads(done.stdout)
        assert facts["best"]["values"] == outer[number]["values"]
        assert facts["best"]["mean"] == outer[number]["inner"]
        assert facts["refit"]["test"] == outer[number]["outer"]


DIVIDED: dict[str, list[str]] = {
    "chance": [],
    "group": ["data.group=who"],
    "time": ["data.time=day"],
    "classes": ["data.target=kind"],
    "no validation rows": ["split.validation=0"],
}


@pytest.mark.parametrize("case", DIVIDED)
def test_outer_folds_follow_the_split(place: Path, case: str) -> None:
    rows = [row | {"kind": "abcaba"[i % 6]} for i, row in enumerate(rows_of())]
    write_csv(place / "t.csv", rows)
    given = searches(place, *DIVIDED[case])
    held = given.whole.prepare()[0].sets == TEST
    share = 0 if "no" in case else 0.25
    seen = np.zeros(len(rows), int)
    for search in given.without:
        sets = search.prepare()[0].sets
        assert (sets[held] == EXCLUDED).all()
        known, outer = (sets == TRAIN) | (sets == VALIDATION), sets == TEST
        seen += outer
        assert np.mean(sets[known] == VALIDATION) == pytest.approx(share, abs=0.1)
        for fold in search.folds.folds:
            assert ((fold.sets == TEST) == outer).all()  # which no trial looks at
        if case == "group":
            people = np.array([row["who"] for row in rows])
            assert not set(people[outer]) & set(people[known])
        if case == "time":
            days = np.array([row["day"] for row in rows])
            assert days[known].max() < days[outer].min()
        if case == "classes":
            counts = np.unique([rows[i]["kind"] for i in np.flatnonzero(outer)], return_counts=True)
            assert np.ptp(counts[1] / [3, 2, 1]) <= 1
    assert ((seen == 1) == ~held).all() or case == "time"
    assert seen.max() == 1


def test_too_few_rows_without_an_outer_fold_are_placed(place: Path) -> None:
    rows = [row | {"who": f"p{i // 18}"} for i, row in enumerate(rows_of())]
    write_csv(place / "t.csv", rows)
    with pytest.raises(DataError) as error:
        searches(place, "data.group=who", "tune.outer_folds=2")
    (problem,) = error.value.problems
    assert problem.where == "outer fold 1 of 2, split.folds" and "there are 2" in problem.what


def test_each_search_has_its_own_time(place: Path) -> None:
    facts = tune(place, "-o", "s", "--set", "tune.max_time=1e-6")
    assert facts["trials"] == 1
    assert [one["trial"] for one in facts["nested"]["folds"]] == [0, 0, 0]


def test_a_search_gone_on_with_ends_where_its_time_ended(done: Path) -> None:
    """What the journal holds of later trials does not count before they are proposed."""
    lines = (done / "s" / JOURNAL).read_text().splitlines()
    (done / "late").mkdir()
    (done / "late" / JOURNAL).write_text("".join(f"{line}\n" for line in map(_one_second, lines)))
    (done / "late" / "run.json").write_text('{"state": "interrupted", "command": "tune"}')
    facts = tune(done, "-o", "late", "--resume", "--set", "tune.max_time=2.5")
    assert facts["trials"] == 3  # trial 0, and a batch of two
    assert all(one["trial"] < 3 for one in facts["nested"]["folds"])


def _one_second(line: str) -> str:
    """The line with a second for each trial."""
    group = json.loads(line)
    return line if isinstance(group, dict) else json.dumps([group[0], len(group[2]), group[2]])


def test_an_outer_fold_without_a_score_leaves_no_estimate(place: Path) -> None:
    wild = "tune.space={learning_rate: {choice: [1e30]}}"
    more = ("--set", wild, "--set", "learning_rate=1e30", "--set", "optimizer=sgd")
    said = bpcli(*WORDS, "-o", "s", *more, cwd=place, code=7).stderr
    assert "outer fold 1 of 3" in said and "outer fold 2 of 3, trial 1" in said
    assert summary(place / "s")["nested"]["mean"] is None


def test_what_people_read(done: Path) -> None:
    said = bpcli(*WORDS, "-o", "s", "--resume", cwd=done).stdout
    nested = summary(done / "s")["nested"]
    mean, error = f"{nested['mean']:.4g}", f"{nested['standard_error']:.2g}"
    assert f"nested rmse {mean} ± {error} by 3 outer folds" in said
