"""Tables that a model cannot predict or evaluate, and those it can, but not without a word."""

from __future__ import annotations

from functools import partial

from bad_inputs.case import CLASSES, CONFIG, ROWS, TABLE, Case, Content, model
from bad_inputs.data import added, column, put

PREDICT, EVALUATE = "predict run new.csv", "evaluate run new.csv"
HEAD = "a,b,y\n"
SMALL = HEAD + "".join(f"{i / 99},{row.partition(',')[2]}" for i, row in enumerate(ROWS))
LABELS = "a,y,z\n" + "".join(f"{i / 2},{i % 2},{i // 2 % 2}\n" for i in range(20))


def new(
    name: str,
    id: str,
    table: Content,
    *says: str,
    command: str = PREDICT,
    exit: int = 4,
    rows: tuple[int, ...] = (),
) -> Case:
    """A table that the usual model is to predict."""
    return Case(name, id, exit, ("new.csv", *says), command, {"new.csv": table}, rows)


def noted(
    name: str, id: str, table: str, *says: str, rows: tuple[int, ...] = (), command: str = PREDICT
) -> Case:
    """A table that is predicted, with something to say."""
    return new(name, id, table, *says, command=command, exit=0, rows=rows)


def of_classes(name: str, id: str, table: str, *says: str, command: str = EVALUATE) -> Case:
    """A table for a model of the classes yes and no."""
    trained = partial(model, CONFIG, CLASSES)
    files: dict[str, Content] = {"run/model.safetensors": trained, "new.csv": table}
    return Case(name, id, 4, ("new.csv", *says), command, files)


CASES = [
    Case("no table", "BP-D001", 4, ("new.csv", "does not exist"), PREDICT, rows=(12,)),
    Case("no table to evaluate", "BP-D001", 4, ("new.csv",), EVALUATE, rows=(12,)),
    Case("a folder to predict", "BP-D002", 4, ("a folder",), "predict run .", rows=(13,)),
    Case("a device to predict", "BP-D002", 4, ("a device",), "predict run /dev/zero", rows=(13,)),
    Case(
        "an address to predict",
        "BP-D001",
        4,
        ("addresses",),
        "predict run http://127.0.0.1:9/t.csv",
        rows=(13,),
    ),
    Case(
        "the spread of one network", "BP-M030", 5, ("run", "--spread"), "predict run t.csv --spread"
    ),
    Case("nothing on standard input", "BP-D004", 4, ("empty",), "predict run -"),
    Case(
        "rubbish on standard input",
        "BP-D009",
        4,
        ("line 1", "NUL"),
        "predict run -",
        stdin=b"\0" * 999,
        rows=(18,),
    ),
    new("an empty table", "BP-D004", "", "empty", rows=(14,)),
    new("pickled objects", "BP-D008", b"\x80\x04\x95\x1a\x00ccanary\nX\n.", "line 1", rows=(13,)),
    new(
        "a table in another encoding",
        "BP-D008",
        TABLE.replace("red", "röt").encode("cp1252"),
        "line 4",
        "0xf6",
        rows=(18,),
    ),
    new("a NUL to predict", "BP-D009", put("\0"), "line 6", rows=(18,)),
    new("another delimiter than in training", "BP-D010", TABLE.replace(",", ";"), '";"'),
    new("a quote that stays open", "BP-D011", put('"1'), "line 6"),
    new("a column twice", "BP-D012", TABLE.replace("a,b", "a,a"), "'a'"),
    new("a long row to predict", "BP-D014", put("1,2"), "line 6", "4 fields", rows=(17,)),
    new("a short last row to predict", "BP-D014", TABLE + "1\n", "line 22", "1 field", rows=(17,)),
    new(
        "text where training had numbers",
        "BP-D016",
        put("five"),
        "line 6",
        "'a'",
        "'five'",
        rows=(25,),
    ),
    new("an infinite cell", "BP-D016", put("inf"), "line 6", "'inf'", rows=(23,)),
    new("a column without a name", "BP-D050", TABLE.replace("a,b", ",b"), "'a'", rows=(25,)),
    new(
        "a column in other letters",
        "BP-D050",
        TABLE.replace("a,b", "A,b"),
        "'a'",
        "did you mean 'A'",
        rows=(25,),
    ),
    new(
        "no column of the model",
        "BP-D050",
        "x\n1\n",
        "'a'",
        "'b'",
        "the columns are x",
        "2 errors",
        rows=(25,),
    ),
    new(
        "a number too large to scale", "BP-D052", put("1.7e308"), "line 6", "'a'", rows=(65,)
    )._replace(
        files={"run/model.safetensors": partial(model, CONFIG, SMALL), "new.csv": put("1.7e308")}
    ),
    new(
        "no target to evaluate",
        "BP-D060",
        TABLE.replace(",y", ",z"),
        "'y'",
        "a, b, z",
        command=EVALUATE,
        rows=(22,),
    ),
    new("no labels to evaluate", "BP-D061", column(""), "'y'", command=EVALUATE, rows=(22,)),
    new(
        "text for a number to evaluate",
        "BP-D016",
        put("many", 5, 2),
        "line 6",
        "'y'",
        "'many'",
        command=EVALUATE,
    ),
    new("a long row to evaluate", "BP-D014", put("1,2"), "line 6", command=EVALUATE),
    new(
        "a missing column to evaluate",
        "BP-D050",
        TABLE.replace("a,b", "A,b"),
        "'a'",
        command=EVALUATE,
    ),
    of_classes(
        "a class of no training row",
        "BP-D044",
        CLASSES.replace("yes", "maybe"),
        "line 2",
        "'maybe'",
        "'no', 'yes'",
    ),
    of_classes("a class in other letters", "BP-D044", CLASSES.replace("yes", "Yes"), "'Yes'"),
    noted("more columns", "BP-D109", added("shoe", lambda i: i), "shoe", rows=(26,)),
    noted(
        "an unseen category", "BP-D110", put("pink", 5, 1), "'b'", "'pink'", "1 cells", rows=(24,)
    ),
    noted("a gap that training had not", "BP-D111", put(""), "'a'", "1 cells"),
    noted("a header without rows", "BP-D113", HEAD, "no rows", rows=(15,)),
    noted("rows without a label", "BP-D112", put("", 5, 2), "1", command=EVALUATE),
    noted("blank lines to predict", "BP-D101", TABLE + "\n", "1"),
    noted(
        "a target that a spreadsheet would run",
        "BP-D146",
        put("=cmd|' /C calc'!A0", 5, 2),
    )._replace(says=("1 of the cells", "'!A0", "--spreadsheet-safe")),
    noted(
        "intervals by rows that chose the epoch",
        "BP-D149",
        TABLE,
        "4 validation rows",
        "split.calibration",
        command=f"{PREDICT} --interval 0.5",
    )._replace(
        says=("4 validation rows", "the epoch", "split.calibration"),
        files={
            "run/model.safetensors": partial(model, CONFIG + "stop: {patience: 1}\n", TABLE),
            "new.csv": TABLE,
        },
    ),
    noted(
        "intervals by too few rows",
        "BP-D148",
        TABLE,
        command=f"{PREDICT} --interval 0.9",
    )._replace(says=("4 validation rows", "90 %", "needs 9")),
    Case(
        "intervals of a model without held-out rows",
        "BP-M031",
        5,
        ("run", "no intervals", "split.calibration"),
        f"{PREDICT} --interval 0.9",
        {
            "run/model.safetensors": partial(model, CONFIG + "split: {validation: 0}\n", TABLE),
            "new.csv": TABLE,
        },
    ),
    Case(
        "sets of a model of labels",
        "BP-M031",
        5,
        ("run", "labels"),
        "evaluate run new.csv --interval 0.9",
        {
            "run/model.safetensors": partial(model, CONFIG.replace("y}", "[y, z]}"), LABELS),
            "new.csv": LABELS,
        },
    ),
    new(
        "more unseen categories than a limit allows",
        "BP-L001",
        put("pink", 5, 1),
        "1 of 20 rows",
        "0.05, the limit is 0.01",
        "--doubt",
        command=f"{PREDICT} -o out.csv --fail-on 'unseen>0.01'",
        exit=9,
    ),
    new(
        "a row too far from the training rows",
        "BP-L001",
        put("1e6"),
        "standard deviations",
        command=f"{PREDICT} -o out.csv --fail-on 'distance>3'",
        exit=9,
    ),
    Case("the training data evaluated", "BP-D114", 0, ("trained on",), "evaluate run t.csv"),
    Case(
        "the input as output",
        "BP-O005",
        6,
        ("t.csv", "input file"),
        "predict run t.csv -o ./t.csv --force",
    ),
    Case(
        "an output that is there",
        "BP-O006",
        6,
        ("p.csv", "--force"),
        "predict run t.csv -o p.csv",
        {"p.csv": "mine\n"},
    ),
    Case(
        "an output below a file",
        "BP-O001",
        6,
        ("t.csv/p.csv", "Not a directory"),
        "predict run t.csv -o t.csv/p.csv",
    ),
    Case(
        "an output without a folder", "BP-O001", 6, ("no/p.csv",), "predict run t.csv -o no/p.csv"
    ),
]
