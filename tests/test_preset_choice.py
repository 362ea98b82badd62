"""The network of a small table that names none: what folds prefer when it is trained, and said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from running import bpcli

from bpcli.data.split import VALIDATION
from bpcli.experiment.load import load
from bpcli.metrics.metric import Kind, goal
from bpcli.runs.decided import Unasked, prepare_and_decide, prepare_and_foresee
from bpcli.runs.resolved import prepare_and_resolve
from bpcli.selection.preset import PresetChoice
from bpcli.selection.procedure import Candidate, FoldScore

ROWS = 60


def table(folder: Path, kind: str) -> Path:
    """Numbers a and b, and a y that is linear in them, or that no plane can tell."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, ROWS))
    y = 3 * a - b if kind == "linear" else np.where(a * b > 0, 5.0, -5.0)
    lines = [
        f"{a[i]:.4f},{b[i]:.4f},{y[i]:.4f},2024-{1 + i // 28:02}-{1 + i % 28:02}"
        for i in range(ROWS)
    ]
    (folder / "t.csv").write_text("\n".join(["a,b,y,day", *lines, ""]))
    path = folder / "c.yaml"
    path.write_text("data: {path: t.csv, target: y, columns: {day: drop}}\ntask: regression\n")
    return path


def chosen(path: Path, *settings: str) -> tuple[int, list[str]]:
    """How many layers the network has, and what was said of the choice."""
    _, config, choice = prepare_and_decide(load(path, ["threads=1", *settings]))
    assert isinstance(config.network, tuple)
    return len(config.network), [choice.notice().what] if choice else []


@pytest.mark.parametrize("kind, layers", [("linear", 0), ("product", 4)])
def test_folds_decide_and_say_so(tmp_path: Path, kind: str, layers: int) -> None:
    found, (said,) = chosen(table(tmp_path, kind))
    assert found == layers
    assert said.startswith("5 random folds ") and ("prefer linear" in said) == (not layers)


def candidate(name: str, metric: str, values: list[float], failure: str = "") -> Candidate:
    """With a score in every fold."""
    scores = (FoldScore(i, {metric: v}, 9, failure) for i, v in enumerate(values))
    return Candidate(name, tuple(scores))


SCORES = {
    "low": [0.30, 0.50, 0.30, 0.34],
    "lower": [0.25, 0.46, 0.24, 0.29],
    "lower in the mean": [0.10, 0.54, 0.30, 0.38],
}


@pytest.mark.parametrize("measure", ["classes", "numbers"])
@pytest.mark.parametrize(
    "linear, mlp, small, taken",
    [
        ("lower", "low", "low", "linear"),
        ("lower in the mean", "low", "low", "mlp, small"),
        ("lower", "low", "lower", "mlp, small"),
        ("low", "lower", "low", "mlp"),
        ("low", "low", "lower", "mlp, small"),
        ("low", "low", "low", "mlp, small"),
        ("low", "lower in the mean", "low", "mlp, small"),
    ],
)
def test_what_leads_in_log_loss_or_rmse_is_taken(
    measure: Kind, linear: str, mlp: str, small: str, taken: str
) -> None:
    metric = goal(measure)
    assert metric.name == ("log_loss" if measure == "classes" else "rmse")
    given = {"linear": linear, "mlp": mlp, "small": small}
    three = [candidate(name, metric.name, SCORES[which]) for name, which in given.items()]
    choice = PresetChoice.of(three, metric, "random")
    assert choice and ", ".join(choice.names) == taken
    said = choice.notice().what
    if len(choice.names) == 1:
        assert said.startswith(f"4 random folds prefer {taken}: {metric.name} {taken} ")
    else:
        assert said.startswith("4 random folds cannot tell mlp and small apart")
    assert all(f"{name} 0." in said for name in given)


def test_of_two_the_other_is_taken_where_linear_does_not_lead() -> None:
    pair = [candidate("linear", "rmse", SCORES["low"]), candidate("mlp", "rmse", SCORES["low"])]
    choice = PresetChoice.of(pair, goal("numbers"), "random")
    assert choice and choice.names == ["mlp"]


def test_one_that_failed_in_a_fold_cannot_win() -> None:
    one = candidate("simple", "rmse", [1.0, 1.0], "diverged")
    two = candidate("other", "rmse", [9.0, 9.0])
    choice = PresetChoice.of([one, two], goal("numbers"), "random")
    assert choice and (choice.taken, choice.others) == ([two], [])
    assert PresetChoice.of([one], goal("numbers"), "random") is None


@pytest.mark.parametrize(
    "settings",
    [
        ["network=mlp"],
        ["ensemble=2"],
        ["learning_rate=0.01"],
        ["optimizer=sgd"],
        ["epochs=3"],
        ["stop.max_time=9"],
        ["split.method=time", "data.time=day", "data.columns={}"],
    ],
    ids=[
        "the config names one",
        "there are several",
        "a rate",
        "an optimizer",
        "a length",
        "a limit of time",
        "folds would look into the future",
    ],
)
def test_no_choice_is_made(tmp_path: Path, settings: list[str]) -> None:
    assert chosen(table(tmp_path, "linear"), *settings) == (4, [])


def test_the_folds_stay_as_an_ensemble(tmp_path: Path) -> None:
    """Each network is trained longer than when the folds were asked."""
    prepared, config, choice = prepare_and_decide(load(table(tmp_path, "product"), ["threads=1"]))
    assert isinstance(choice, PresetChoice) and config.over_folds
    assert (config.networks, config.iterations) == (len(choice.taken[0].scores), 500)
    assert {one.epochs for one in choice.taken[0].scores} == {200}  # of one batch
    assert not len(prepared.rows(VALIDATION))


@pytest.mark.parametrize("kind", ["linear", "product"])
def test_what_is_foreseen_has_the_shape_of_what_is_trained(tmp_path: Path, kind: str) -> None:
    """The folds are asked nothing, so `mlp` stands for any of the networks."""
    loaded = load(table(tmp_path, kind), ["threads=1"])
    prepared, config, networks = prepare_and_foresee(loaded)
    decided, trained, _ = prepare_and_decide(loaded)
    assert isinstance(networks, Unasked) and isinstance(config.network, tuple)
    assert len(config.network) == 4
    assert (config.networks, config.over_folds) == (trained.networks, True)
    assert np.array_equal(prepared.sets, decided.sets)
    assert bpcli("plan", loaded.path, cwd=tmp_path).stderr.count("folds choose among") == 1


def test_nothing_is_foreseen_of_a_network_with_a_name(tmp_path: Path) -> None:
    assert prepare_and_foresee(load(table(tmp_path, "linear"), ["network=linear"]))[2] is None


@pytest.mark.parametrize(
    "target, settings, expected",
    [("yn", [], (2, 64)), ("abc", [], (1, 128)), ("yn", ["epochs=9"], (1, 9))],
    ids=["two classes", "three", "a length of one's own"],
)
def test_two_classes_have_a_pair_of_networks_half_as_long(
    tmp_path: Path, target: str, settings: list[str], expected: tuple[int, int]
) -> None:
    cells = "".join(f"{i % 97},{target[i % len(target)]}\n" for i in range(700))
    (tmp_path / "t.csv").write_text("a,y\n" + cells)
    (tmp_path / "c.yaml").write_text("data: {path: t.csv, target: y}\n")
    _, config, choice = prepare_and_decide(load(tmp_path / "c.yaml", ["threads=1", *settings]))
    assert (config.networks, config.epochs) == expected
    assert (choice is None) == (config.networks == 1)
    assert choice is None or "two of tabular" in choice.notice().what


@pytest.mark.parametrize("ensemble", ["null", "{folds: 3}"])
def test_linear_classes_are_calibrated_unless_equations_tell_them(
    tmp_path: Path, ensemble: str
) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{i},{'yn'[i % 2]}\n" for i in range(40)))
    (tmp_path / "c.yaml").write_text("data: {path: t.csv, target: y}\nnetwork: linear\n")
    _, config = prepare_and_resolve(load(tmp_path / "c.yaml", [f"ensemble={ensemble}"]))
    assert config.calibration
    assert (config.calibration.name == "none") == (ensemble == "null")


def test_too_few_rows_for_folds(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n1,2\n2,4\n3,6\n4,9\n")
    (tmp_path / "c.yaml").write_text("data: {path: t.csv, target: y}\ntask: regression\n")
    settings = "epochs=2", "split.validation=0", "split.test=0.5"
    assert chosen(tmp_path / "c.yaml", *settings) == (4, [])


def test_the_test_rows_have_no_say(tmp_path: Path) -> None:
    path = table(tmp_path, "product")
    prepared, _ = prepare_and_resolve(load(path, ["network=mlp"]))
    (said,) = chosen(path)[1]
    lines = (tmp_path / "t.csv").read_text().splitlines()
    for row in prepared.rows(2):
        a, b, _, day = lines[row + 1].split(",")
        lines[row + 1] = f"{a},{b},999,{day}"
    (tmp_path / "t.csv").write_text("\n".join([*lines, ""]))
    assert chosen(path)[1] == [said]


def test_a_training_says_it_and_keeps_it(tmp_path: Path) -> None:
    table(tmp_path, "linear")
    said = bpcli("train", "c.yaml", "-o", "run", cwd=tmp_path)
    assert "folds prefer linear: rmse" in said.stderr + said.stdout
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert any("folds prefer linear" in one["what"] for one in record["notices"])
    resolved = (tmp_path / "run" / "config.resolved.yaml").read_text()
    assert "network: []" in resolved
    bpcli("verify", "run", "--exact", cwd=tmp_path)
    full = bpcli("validate", "c.yaml", "--expand", cwd=tmp_path).stdout
    assert "network: []" in full


def test_what_was_estimated_or_searched_is_trained(tmp_path: Path) -> None:
    """On a table for which a training by itself would choose another network."""
    table(tmp_path, "linear")
    three = ["--set", "split.folds=3"]
    bpcli("cv", "c.yaml", "-o", "cv", "--refit", "refit", "-j", 1, *three, cwd=tmp_path)
    space = "tune.space={regularization.weight_decay: {log_uniform: [1e-9, 1e-8]}}"
    bpcli("tune", "c.yaml", "-o", "t", "--trials", 1, "-j", 1, "--set", space, *three, cwd=tmp_path)
    for run in ("refit", "t/run"):
        text = (tmp_path / run / "config.resolved.yaml").read_text()
        assert "network: []" not in text
        assert ("ensemble:" in text) == (
            run == "t/run"
        )  # cv has scored one network, tune the folds
