"""What explanations cannot say, or say only with a word of warning."""

from __future__ import annotations

from functools import partial

from bad_inputs.case import CONFIG, TABLE, Case, model

TWICE = "a,b,y\n" + "".join(f"{i},{2 * i + 0.1 * (i % 2)},{i % 7}\n" for i in range(40))
BENT = "data: {path: t.csv, target: y}\nnetwork: [{dense: 4}, tanh]\nepochs: 300\n"

CASES = [
    Case(
        "columns that go together",
        "BP-E001",
        0,
        ("'a', 'b'", "0.8"),
        "explain run t.csv",
        {"t.csv": TWICE, "run/model.safetensors": partial(model, CONFIG, TWICE)},
    ),
    Case(
        "rows without a target to explain",
        "BP-E002",
        0,
        ("'y'", "labelled"),
        "explain run new.csv",
        {"new.csv": "a,b\n1,red\n2,blue\n"},
    ),
    Case(
        "too few steps",
        "BP-E003",
        0,
        ("--steps", "--shapley"),
        "explain run t.csv --steps 1",
        {"run/model.safetensors": partial(model, BENT, TABLE)},
    ),
    Case(
        "a target to explain that is empty",
        "BP-D061",
        4,
        ("'y'",),
        "explain run new.csv",
        {"new.csv": "a,b,y\n1,red,\n2,blue,\n"},
    ),
    Case(
        "no rows to explain",
        "BP-D013",
        4,
        ("no rows",),
        "explain run new.csv",
        {"new.csv": "a,b,y\n"},
    ),
    Case(
        "an explanation that is there",
        "BP-O006",
        6,
        ("explain.csv", "--force"),
        "explain run t.csv -o why",
        {"why/explain.csv": "kept"},
    ),
]
