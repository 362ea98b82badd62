"""Looking inside: what cannot be looked at."""

from __future__ import annotations

from bad_inputs.case import Case

SETS = "data: {path: t.csv, target: y}\nnetwork: []\nepochs: 2\nsplit: {validation: 0, test: 0.2}\n"

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
]
