"""The other commands: wrong usage, init, plan, list, verify, compare."""

from __future__ import annotations

import json
import os
from functools import partial

from bad_inputs.case import CONFIG, TABLE, Case, Content, made


def stored(state: str, data: str = "t.csv") -> tuple[str, dict[str, Content]]:
    """To verify a run that says that it is in a state."""
    record = {
        "state": state,
        "epochs": 1,
        "iterations": 1,
        "threads": 1,
        "environment": {},
        "data": {"sha256": "0" * 64, "rows": 19, "sets": {}},
    }
    config = CONFIG.replace("t.csv", f"../{data}") + "threads: 1\n"
    return "verify old", {"old/run.json": json.dumps(record), "old/config.resolved.yaml": config}


CASES = [
    Case("init of nothing", "BP-D001", 4, ("no.csv",), "init no.csv", rows=(12,)),
    Case("init of a folder", "BP-D002", 4, ("a folder",), "init .", rows=(13,)),
    Case("init of a device", "BP-D002", 4, ("a device",), "init /dev/zero", rows=(13,)),
    Case(
        "init of a damaged table",
        "BP-D014",
        4,
        ("t.csv", "line 22"),
        "init t.csv",
        {"t.csv": TABLE + "1\n"},
    ),
    Case(
        "init without the target", "BP-D021", 4, ("'z'", "a, b, y"), "init t.csv -t z", rows=(22,)
    ),
    Case(
        "init with an unknown key",
        "BP-C031",
        3,
        ("hedaer", "header"),
        "init t.csv --set data.hedaer=false",
    ),
    Case("init over a config", "BP-O006", 6, ("c.yaml", "--force"), "init t.csv -o c.yaml"),
    Case("init over its table", "BP-O005", 6, ("t.csv",), "init t.csv -o t.csv -f"),
    Case("plan of nothing", "BP-C001", 3, ("no.yaml",), "plan no.yaml", rows=(1,)),
    Case("plan of a bad layer", "BP-C038", 3, ("rleu",), "plan c.yaml --set network.0=rleu"),
    Case(
        "plan of a missing column",
        "BP-D020",
        4,
        ("'x'",),
        "plan c.yaml --set data.columns.x=numeric",
    ),
    Case(
        "expansion of a missing table",
        "BP-D001",
        4,
        ("no.csv",),
        "validate c.yaml --expand",
        {"c.yaml": CONFIG.replace("t.csv", "no.csv")},
    ),
    Case(
        "a run in a folder of others",
        "BP-O003",
        6,
        ("mine",),
        "train c.yaml -o mine",
        {"mine/x": ""},
    ),
    Case(
        "a run over a run",
        "BP-O002",
        6,
        ("run", "--force"),
        "train c.yaml -o run",
        {"run/run.json": "{}"},
    ),
    Case(
        "a link in the run folder",
        "BP-O004",
        6,
        ("new/model.safetensors", "link"),
        "train c.yaml -o new --force",
        {"new/run.json": "{}", "c.yaml": CONFIG},
        around=lambda folder: made(
            partial(os.symlink, "../t.csv"), folder / "new/model.safetensors"
        ),
    ),
    Case(
        "a run folder that is a file",
        "BP-O011",
        6,
        ("t.csv", "not a folder"),
        "train c.yaml -o t.csv",
        rows=(28,),
    ),
    Case("a run that has not ended", "BP-M020", 5, ("old", "running"), *stored("running")),
    Case("no run to compare", "BP-M020", 5, ("old", "run.json"), "compare old older"),
    Case(
        "a run whose data has gone",
        "BP-D161",
        4,
        ("no.csv", "--data"),
        *stored("completed", "no.csv"),
    ),
    Case(
        "a run whose data has changed",
        "BP-D162",
        4,
        ("t.csv", "19 rows", "20 rows", "0" * 64, "--data"),
        *stored("completed"),
    ),
]
