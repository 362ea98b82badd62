"""`--set path=value`: where it reaches, what it makes on its way, and what it cannot do."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bpcli.config.document import Document, parse_document
from bpcli.config.errors import ConfigError, Problem
from bpcli.config.overrides import override

TEXT = """\
optimizer: adam
network: [{dense: {units: 8}}, {dense: 16}, relu]
data: {path: x.csv, columns: {age: numeric}}
stop:
"""


def document() -> Document:
    return parse_document(TEXT, "c.yaml")


def problem(*assignments: str) -> Problem:
    with pytest.raises(ConfigError) as caught:
        override(document(), assignments)
    (only,) = caught.value.problems
    return only


NETWORK: list[Any] = [{"dense": {"units": 8}}, {"dense": 16}, "relu"]
CHANGES: list[tuple[str, str, Any]] = [
    ("optimizer=sgd", "optimizer", "sgd"),
    ("optimizer.adam.beta2=0.9", "optimizer", {"adam": {"beta2": 0.9}}),
    ("optimizer.adam=1e-3", "optimizer", {"adam": 0.001}),
    ("network.0.dense.units=32", "network", [{"dense": {"units": 32}}, *NETWORK[1:]]),
    ("network.1.dense=32", "network", [NETWORK[0], {"dense": 32}, "relu"]),
    ("network.2=tanh", "network", [*NETWORK[:2], "tanh"]),
    ("network.2.relu.slope=0.1", "network", [*NETWORK[:2], {"relu": {"slope": 0.1}}]),
    ("network=[{dense: 4}, tanh]", "network", [{"dense": 4}, "tanh"]),
    ("stop.patience=5", "stop", {"patience": 5}),
    ("split.by.folds=5", "split", {"by": {"folds": 5}}),
    ("seed=010", "seed", 10),
    ("seed=", "seed", None),
    ("name=no", "name", "no"),
    ("name=a=b.c", "name", "a=b.c"),
    ("name='1'", "name", "1"),
    (" seed = 1 ", "seed", 1),
    ("network=\n- relu\n- tanh", "network", ["relu", "tanh"]),
    (
        'data.columns."emp.var.rate"=drop',
        "data",
        {"path": "x.csv", "columns": {"age": "numeric", "emp.var.rate": "drop"}},
    ),
    (
        "data.columns.'a \"b\" = c'=drop",
        "data",
        {"path": "x.csv", "columns": {"age": "numeric", 'a "b" = c': "drop"}},
    ),
]


@pytest.mark.parametrize(("assignment", "key", "value"), CHANGES)
def test_changes(assignment: str, key: str, value: Any) -> None:
    changed = override(document(), [assignment])
    assert changed.value == {**document().value, key: value}


def test_the_given_document_stays_as_it_is() -> None:
    given = document()
    before = copy.deepcopy(given)
    for assignment, _, _ in CHANGES:
        override(given, [assignment])
    assert given == before


def test_assignments_apply_in_order() -> None:
    changed = override(document(), ["seed=1", "optimizer=sgd", "seed=2", "optimizer.sgd.rate=3"])
    assert (changed.value["seed"], changed.value["optimizer"]) == (2, {"sgd": {"rate": 3}})


def test_problems_with_changed_values_name_the_command_line() -> None:
    changed = override(document(), ["network.0.dense={units: 3}"])
    path = ("network", 0, "dense", "units")
    assert changed.problem("X", path, "w") == Problem(
        "X",
        "--set network.0.dense.units",
        "w",
        detail=("network.0.dense={units: 3}", " " * 16 + "^"),
    )
    assert changed.problem("X", path[:-1], "w", at_key=True).detail[1] == "^"
    assert changed.problem("X", path[:2], "w").where == "c.yaml:2:11: network.0"


def test_what_was_made_on_the_way_comes_from_the_command_line_too() -> None:
    changed = override(document(), ["split.by.folds=5", "stop.patience=5"])
    assert changed.problem("X", ("split", "by"), "w").where == "--set split.by"
    assert changed.problem("X", ("stop",), "w").where.startswith("c.yaml:4:")


REFUSED = [
    ("seed", "BP-C020", "--set seed", "dotted path"),
    ("=1", "BP-C020", "--set =1", "dotted path"),
    ("a..b=1", "BP-C020", "--set a..b=1", "dotted path"),
    ('a."b=1', "BP-C020", '--set a."b=1', "dotted path"),
    (".".join("a" * 33) + "=1", "BP-C021", f"--set {'.'.join('a' * 32)}", "32"),
    ("network.3=relu", "BP-C022", "--set network.3", "network has no item '3'"),
    ("network.-1=relu", "BP-C022", "--set network.-1", "network has no item '-1'"),
    ("network.00=relu", "BP-C022", "--set network.00", "network has no item '00'"),
    ("network.first=relu", "BP-C022", "--set network.first", "network has no item 'first'"),
    ("network.1.dense.init=he", "BP-C022", "--set network.1.dense.init", "is 16 and has no key"),
    ("optimizer.sgd.rate=1", "BP-C022", "--set optimizer.sgd.rate", "is 'adam' and has no key"),
    ("seed=[1, 2", "BP-C004", "--set seed", "not closed"),
    ("seed=!!int 1", "BP-C017", "--set seed", "tag"),
    ("seed={a: 1, a: 2}", "BP-C016", "--set seed", "duplicate"),
    ("seed=\x1b", "BP-C005", "--set seed", "U+001B"),
    ("seed=99999999999999999999", "BP-C012", "--set seed", "64 bits"),
]


@pytest.mark.parametrize(("assignment", "id", "where", "what"), REFUSED)
def test_what_is_refused(assignment: str, id: str, where: str, what: str) -> None:
    found = problem(assignment)
    assert (found.id, found.where) == (id, where)
    assert what in found.what
    assert found.fix
    assert found.detail


def test_the_way_out_of_a_short_form_is_shown() -> None:
    fix = "set the whole of it, as in --set 'network.1.dense={init: …}'"
    assert problem("network.1.dense.init=he").fix == fix


def test_an_empty_list_has_no_index_to_offer() -> None:
    with pytest.raises(ConfigError) as caught:
        override(parse_document("network: []", "c.yaml"), ["network.0=relu"])
    assert caught.value.problems[0].fix == "set network to a whole list"


def test_all_bad_assignments_are_reported() -> None:
    with pytest.raises(ConfigError) as caught:
        override(document(), ["seed", "network.9=relu", "seed=1"])
    assert [p.id for p in caught.value.problems] == ["BP-C020", "BP-C022"]
