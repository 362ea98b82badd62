"""Tables with a fault that a score does not show, each named by `check --strict`."""

from __future__ import annotations

from faulty import CONFIG, TABLES, clean, text

from bad_inputs.case import Case

SAYS = {
    "BP-A001": "alone takes away",
    "BP-A002": "numbers the rows",
    "BP-A003": "5 folds",
    "BP-A004": "repeat",
    "BP-A005": "different targets",
    "BP-A006": "data.group",
    "BP-A007": "data.time",
}
LATER = [{**row, "a": row["a"] + 2} for row in clean()]
FILES = "data: {train: t.csv, test: later.csv, target: y, columns: {c: categorical}}\n"
STRICT = "check c.yaml --strict"

LEARNED = (
    CONFIG + "network: [{dense: 64}, relu]\nepochs: 300\noptimizer: adam\nlearning_rate: 0.01\n"
)
FOUR_TIMES = text([row for row in clean()[:40] for _ in range(4)])


def planted(name: str, id: str, table: str) -> Case:
    """A fault that is named with its numbers."""
    return Case(name, id, 9, (SAYS[id],), STRICT, {"c.yaml": CONFIG, "t.csv": table})


CASES = [
    *(planted(name, id, table) for name, (id, table) in TABLES.items() if id in SAYS),
    Case(
        "a test file from elsewhere",
        "BP-A008",
        9,
        ("'a'", "test rows", "distance"),
        STRICT,
        {"c.yaml": FILES, "t.csv": text(clean()), "later.csv": text(LATER)},
    ),
    Case(
        "what is learned from shuffled targets",
        "BP-A009",
        9,
        ("test rows", "correlate"),
        f"{STRICT} --permute 3",
        {"c.yaml": LEARNED, "t.csv": FOUR_TIMES},
    ),
]
