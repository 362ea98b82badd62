"""Looking inside: what cannot be looked at."""

from __future__ import annotations

from functools import partial
from random import Random

from bad_inputs.case import CONFIG, Case
from bad_inputs.runs import run

SETS = "data: {path: t.csv, target: y}\nnetwork: []\nepochs: 2\nsplit: {validation: 0, test: 0.2}\n"

HUNDREDS = "a,b,y\n" + "".join(f"{100 + i * 7 % 60},{i % 5},{300 + i}\n" for i in range(60))
LATE = "a,b,y\n" + "".join(f"{i},{i % 3},{7 if i < 18 else i}\n" for i in range(20))
_CHANCE = Random(1)
NOISE = "a,b,y\n" + "".join(
    f"{_CHANCE.gauss():.3f},{_CHANCE.gauss():.3f},{_CHANCE.gauss():.3f}\n" for _ in range(40)
)
FOLDER = ("run.json", "history.csv", "config.yaml")
RAW, RAW_Y = "preprocess: {numeric: none}\n", "preprocess: {target: none}\n"
RESOLVED = CONFIG.replace("t.csv", "../t.csv") + "batch_size: 4\n"


def ill(id: str, says: str, rest: str, table: str = "") -> Case:
    """A training that ends well, and of which more is to be said."""
    files = {"c.yaml": f"data: {{path: t.csv, target: y}}\n{rest}", "t.csv": table or HUNDREDS}
    return Case(says.partition(":")[0], id, 0, (says,), "train c.yaml -o new", files)


CASES = [
    Case(
        "a row that is not there",
        "BP-D170",
        4,
        ("row 21:", "rows 1 to 20"),
        "trace c.yaml --row 21",
    ),
    Case(
        "a row that nothing is learned from",
        "BP-D171",
        4,
        ("row 20:", "its set is test", "choose a training row: 1, 2, "),
        "trace c.yaml --row 20",
        {"c.yaml": SETS.replace("target: y}", "target: y, time: a}")},
    ),
    Case(
        "an update after the last one",
        "BP-C130",
        3,
        ("update 2 is the last one", "row 2 is in no update from 3 on"),
        "trace c.yaml --row 2 --step 3",
        {"c.yaml": SETS},
    ),
    Case(
        "an update after training has stopped",
        "BP-C130",
        3,
        ("update 4 is not done", "below", "an earlier --step"),
        "trace c.yaml --row 2 --step 4 --set stop.threshold=1e9 --set epochs=9",
        {"c.yaml": SETS},
    ),
    ill(
        "BP-N020",
        "unscaled inputs: column 'a' reaches the network",
        f"{RAW}network: []\nepochs: 3\n",
    ),
    ill(
        "BP-N021", "unscaled target: the target 'y' has a root", f"{RAW_Y}network: []\nepochs: 3\n"
    ),
    Case(
        "a target that is the same in every training row",
        "BP-N022",
        0,
        ("data.target", "constant target: "),
        "train c.yaml -o new",
        {"c.yaml": SETS.replace("target: y}", "target: y, time: a}"), "t.csv": LATE},
    ),
    ill(
        "BP-N023",
        "exploding activations: its units reach",
        f"network: [{', '.join(['{dense: {units: 32, init: {normal: 2}}}, relu'] * 4)}]\n"
        "epochs: 300\n",
    ),
    ill(
        "BP-N024",
        "vanishing gradient: it receives",
        f"network: [{', '.join(['{dense: 4}, sigmoid'] * 14)}]\nepochs: 3\n",
    ),
    ill(
        "BP-N025",
        "learning rate too high: at learning rate 50",
        "network: [{dense: 8}, relu]\nlearning_rate: 50\nepochs: 60\n",
    ),
    ill(
        "BP-N026",
        "learning rate too low: at 1e-09 the 800 updates",
        "network: [{dense: 8}, relu]\nlearning_rate: 1e-9\nepochs: 400\n",
    ),
    ill(
        "BP-N027",
        "saturated units: ",
        "network: [{dense: {units: 8, init: {normal: 500}}}, tanh]\nepochs: 3\n",
    ),
    ill(
        "BP-N028",
        "overfitting: the validation loss rose from",
        "network: [{dense: 64}, relu]\nlearning_rate: 0.02\nepochs: 400\n",
        NOISE,
    ),
    Case(
        "diagnostics that were changed by hand",
        "BP-M050",
        5,
        ("old", "diagnostics.csv", "train again"),
        "diagnose old",
        {f"old/{name}": partial(run, name) for name in FOLDER}
        | {"old/diagnostics.csv": "epoch\n1\n", "old/config.resolved.yaml": RESOLVED},
    ),
]
