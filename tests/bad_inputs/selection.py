"""Folds that cannot be made, trainings that fail, sweeps that cannot go on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from bad_inputs.case import CONFIG, TABLE, Case, command

LINES = TABLE.splitlines(keepends=True)
SWEEP = "lr-sweep c.yaml -o s -j 1 --folds 2"
RATES = "lr_sweep: {lowest: 1e-3, highest: 1e-2, rates: 2, extend: 0}\n"
SHORT = CONFIG + RATES
HIGH = (
    CONFIG.replace("epochs: 1", "epochs: 9")
    + "optimizer: sgd\nlr_sweep: {lowest: LOW, highest: 1e30, rates: 2, extend: 0}\n"
)


@contextmanager
def a_damaged_journal(folder: Path) -> Iterator[None]:
    """That of a sweep of this very config, with another line at its end."""
    code, _, err = command(SWEEP.split())
    assert code == 0, err
    with Path("s", "journal.jsonl").open("a") as journal:
        journal.write("{}\n")
    yield


CASES = [
    Case(
        "one group for two folds",
        "BP-D180",
        4,
        ("t.csv", "1 groups"),
        "lr-sweep c.yaml --group g",
        {
            "c.yaml": SHORT + "split: {validation: 0, test: 0.5}\n",
            "t.csv": "g,"
            + LINES[0]
            + "".join(f"{'mn'[i > 9]},{row}" for i, row in enumerate(LINES[1:])),
        },
    ),
    Case(
        "more folds than rows",
        "BP-D181",
        0,
        ("30 folds", "there are 16"),
        "lr-sweep c.yaml -j 1 --folds 30",
        {"c.yaml": SHORT},
    ),
    Case(
        "an ensemble over more folds than rows",
        "BP-D181",
        0,
        ("ensemble.folds", "200 folds", "there are 16"),
        "train c.yaml",
        {"c.yaml": CONFIG + "ensemble: {folds: 200}\n"},
    ),
    Case(
        "a class in one fold",
        "BP-D045",
        4,
        ("member 1, t.csv", "without a training row", "'no'"),
        "train c.yaml",
        {
            "c.yaml": CONFIG.replace("target: y", "target: y, group: a")
            + "ensemble: {folds: 2}\nsplit: {test: 0, validation: 0}\n",
            "t.csv": "a,b,y\n"
            + "".join(f"{i // 9},{i},{'yes' if i < 9 else 'no'}\n" for i in range(18)),
        },
    ),
    Case(
        "an estimate of an ensemble",
        "BP-S008",
        0,
        ("ensemble", "single networks"),
        "cv c.yaml -j 1 --folds 2",
        {"c.yaml": CONFIG + "ensemble: 2\n"},
    ),
    Case(
        "rounds of folds in time",
        "BP-D182",
        0,
        ("split.repeats", "there is one"),
        f"{SWEEP} --time a --repeats 3",
        {"c.yaml": SHORT},
    ),
    Case(
        "rates that all diverge",
        "BP-N010",
        7,
        ("learning rate 1e+29", "learning rate 1e+30", "2 of 2 folds"),
        SWEEP,
        {"c.yaml": HIGH.replace("LOW", "1e29")},
        rows=(68,),
        leaves="s",
    ),
    Case(
        "a rate that diverges",
        "BP-N011",
        0,
        ("learning rate 1e+30: 2 of 2 folds failed", "no longer finite"),
        SWEEP,
        {"c.yaml": HIGH.replace("LOW", "1e-3")},
        rows=(69,),
    ),
    Case(
        "an estimate of what diverges",
        "BP-N012",
        7,
        ("fold 1 of repeat 1", "no longer finite", "lr-sweep"),
        "cv c.yaml -o s -j 1",
        {"c.yaml": HIGH.replace("LOW", "1") + "learning_rate: 1e30\n"},
        leaves="s",
    ),
    Case(
        "an estimate of a swept rate",
        "BP-S007",
        0,
        ("learning_rate", "too good"),
        "cv c.yaml -o s -j 1",
        {"c.yaml": SHORT + "learning_rate: auto\n"},
    ),
    Case(
        "a worker that always dies",
        "BP-S001",
        8,
        ("3 times", "code 9", "--resume"),
        SWEEP.replace("-j 1", "-j 2"),
        {"c.yaml": SHORT},
        around=lambda folder: patch(
            "bpcli.selection.study.train_together", lambda replicas: os._exit(9)
        ),
        leaves="s",
    ),
    Case(
        "the journal of another sweep",
        "BP-S002",
        5,
        ("journal.jsonl", "another config"),
        f"{SWEEP} --resume",
        {
            "c.yaml": SHORT,
            "s/run.json": '{"state": "interrupted", "command": "lr-sweep"}',
            "s/journal.jsonl": '{"study": "other"}\n',
        },
    ),
    Case(
        "a damaged journal",
        "BP-S003",
        5,
        ("journal.jsonl", "line 3", "--force"),
        f"{SWEEP} --resume",
        {"c.yaml": SHORT},
        around=a_damaged_journal,
    ),
    Case(
        "a best rate at the end of the grid",
        "BP-S004",
        0,
        ("lr_sweep", "goes on with"),
        f"{SWEEP} --set lr_sweep.extend=1 --set lr_sweep.lowest=1e-5 --set lr_sweep.highest=1e-4",
        {"c.yaml": SHORT, "t.csv": TABLE},
    ),
    Case(
        "a grid by a heuristic",
        "BP-S006",
        0,
        ("lr_sweep.grid", "range test", "heuristic"),
        f"{SWEEP} --set lr_sweep.grid=range-test",
        {"c.yaml": SHORT},
    ),
    Case(
        "a search without a fold to learn from",
        "BP-S010",
        4,
        ("split.folds", "3 folds, there are 2"),
        "tune c.yaml --folds 2",
        {"c.yaml": CONFIG},
    ),
    Case(
        "a search by a metric of another task",
        "BP-C180",
        3,
        ("tune.metric", "accuracy is of classes", "rmse"),
        "tune c.yaml --set tune.metric=accuracy",
        {"c.yaml": CONFIG},
    ),
    Case(
        "a search whose trials diverge",
        "BP-S011",
        0,
        ("trial 1", "no longer finite", "learning_rate=1e+30"),
        "tune c.yaml -j 1 --folds 3 --trials 2 --no-train",
        {"c.yaml": CONFIG + "optimizer: sgd\ntune: {space: {learning_rate: {choice: [1e+30]}}}\n"},
    ),
    Case(
        "a search whose trials all diverge",
        "BP-N013",
        7,
        ("trial 0", "trial 1", "no longer finite", "tune.space"),
        "tune c.yaml -o s -j 1 --folds 3 --trials 2 --no-train",
        {
            "c.yaml": CONFIG
            + "optimizer: sgd\nlearning_rate: 1e+30\n"
            + "tune: {space: {learning_rate: {choice: [1e+30]}}}\n"
        },
        leaves="s",
    ),
    Case(
        "a search without a score of its outer folds",
        "BP-S013",
        7,
        ("outer fold 1 of 2", "every trial has failed"),
        "tune c.yaml -o s -j 1 --folds 3 --trials 1 --outer-folds 2",
        {"c.yaml": CONFIG + "optimizer: sgd\nlearning_rate: 1e+30\n"},
        leaves="s",
    ),
    Case(
        "a search at a path that is not there",
        "BP-C031",
        3,
        ("learning_rat", "learning_rate"),
        "tune c.yaml",
        {"c.yaml": CONFIG + "tune: {space: {learning_rat: {uniform: [1, 2]}}}\n"},
    ),
    Case(
        "a search without Optuna",
        "BP-S012",
        8,
        ("Optuna", "bpcli[tune]"),
        "tune c.yaml --folds 3",
        {"c.yaml": CONFIG},
        around=lambda folder: patch.dict(sys.modules, {"optuna": None}),
    ),
    Case(
        "a picture without matplotlib",
        "BP-S005",
        8,
        ("matplotlib", "bpcli[report]"),
        f"{SWEEP} --picture",
        {"c.yaml": SHORT},
        around=lambda folder: patch.dict(sys.modules, {"matplotlib": None}),
        leaves="s",
    ),
    Case(
        "no line for the rate",
        "BP-C120",
        3,
        ("c.yaml", "line of its own"),
        f"{SWEEP} --write new.yaml",
        {
            "c.yaml": "{data: {path: t.csv, target: y}, network: [{dense: 2}], epochs: 1, "
            + RATES.strip()
            + "}\n"
        },
        leaves="s",
    ),
]
