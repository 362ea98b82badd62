"""`bpcli trace`: its numbers are those of the real training, and its page fits where it is read."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_inputs.case import command
from components import members, on_rows, parametrize
from rich.cells import cell_len
from rich.console import Console
from running import ROOT, bpcli

from bpcli.config.component import Component
from bpcli.data.split import TRAIN
from bpcli.display.trace_page import Grid, page
from bpcli.display.trace_text import TraceText
from bpcli.experiment.fit import Fit
from bpcli.experiment.load import load
from bpcli.experiment.problem import LearningProblem
from bpcli.insight.notation import backward_formula, forward_formula, letters, update_formula
from bpcli.insight.places import places
from bpcli.insight.trace import Trace, trace
from bpcli.nn.batches import Batches
from bpcli.nn.layer import Array, Layer
from bpcli.nn.layers import Dense
from bpcli.nn.losses.loss import Loss
from bpcli.nn.network import Network
from bpcli.nn.optimizers.centres import Lloyd
from bpcli.nn.optimizers.optimizer import Optimizer
from bpcli.nn.team import ALONE
from bpcli.runs.resolved import prepare_and_resolve

# Of images one page is a hundred of others, and its steps are those of many layers in layers.
SHIPPED = sorted((ROOT / "configs").glob("*.yaml"))
OTHERS = "input:", "clustering"  # nor has a cluster a row's loss to trace
CONFIGS = [path for path in SHIPPED if not any(word in path.read_text() for word in OTHERS)]
IRIS = ROOT / "configs" / "iris.yaml"


def problem_of(path: Path, *sets: str) -> LearningProblem:
    prepared, config = prepare_and_resolve(load(path, sets))
    return LearningProblem.of(config, prepared)


def first_row(problem: LearningProblem) -> int:
    return int(problem.prepared.rows(TRAIN)[0]) + 1


def joined(found: Trace, what: str) -> Array:
    """A part of all parameter arrays in the order of the flat buffer."""
    return np.concatenate([np.ravel(getattr(change, what)) for change in found.changes])


def trained(problem: LearningProblem, updates: int) -> Array:
    """The weights of the real training after so many updates."""
    weights: dict[int, Array] = {}

    def look() -> None:
        weights.setdefault(fit.group.state.iteration, fit.group.state.flat[0].copy())

    fit = Fit.of(problem, look)
    for _ in fit:
        look()
    return weights[updates]


SGD = ["optimizer=sgd", "learning_rate=0.005", "epochs=2", "stop={}", "schedule=constant"]


@pytest.mark.parametrize("batch", ["1", "full", "16"])
@pytest.mark.parametrize("path", [IRIS, ROOT / "configs" / "diabetes.yaml"], ids=lambda p: p.stem)
def test_the_update_is_that_of_the_training_to_the_bit(path: Path, batch: str) -> None:
    sets = [*SGD, f"batch_size={batch}", *(["iterations=null"] if path == IRIS else [])]
    problem = problem_of(path, *sets)
    found = trace(problem, first_row(problem), 2)
    before, after = joined(found, "before"), joined(found, "after")
    assert np.array_equal(before, trained(problem, found.update - 1))
    assert np.array_equal(after, trained(problem, found.update))
    gradient = joined(found, "gradient")
    assert np.array_equal(after, before - gradient * np.float32(found.rate))
    assert gradient.any()


WITH_TARGET = [one for one in members(Optimizer) if not isinstance(one, Lloyd)]


@pytest.mark.parametrize("optimizer", WITH_TARGET, ids=lambda one: one.name)
def test_every_optimizer_takes_the_gradient_shown(optimizer: Optimizer) -> None:
    full = ["batch_size=full"] if optimizer.full_batch else []
    problem = problem_of(IRIS, f"optimizer={optimizer.name}", "iterations=12", *full)
    found = trace(problem, first_row(problem), 9 if optimizer.full_batch else 4)
    assert np.array_equal(joined(found, "after"), trained(problem, found.update))
    assert all(array.shape == c.after.shape for c in found.changes for array in c.slots.values())


def test_adams_means_are_those_of_its_formula() -> None:
    problem = problem_of(IRIS, "iterations=12", "batch_size=full")
    row = first_row(problem)
    gradients = [joined(trace(problem, row, step), "gradient") for step in (1, 2, 3)]
    found = trace(problem, row, 3)
    m = v = np.zeros_like(gradients[0], np.float64)
    for g in gradients:
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g.astype(np.float64) ** 2
    m_hat, v_hat = m / (1 - 0.9**3), v / (1 - 0.999**3)
    shown = {
        name: np.concatenate([np.ravel(change.slots[name]) for change in found.changes])
        for name in ("m̂", "v̂")
    }
    assert shown["m̂"] == pytest.approx(m_hat, rel=1e-5, abs=1e-8)
    assert shown["v̂"] == pytest.approx(v_hat, rel=1e-5, abs=1e-10)
    step = joined(found, "before") - found.rate * m_hat / (np.sqrt(v_hat) + 1e-8)
    assert joined(found, "after") == pytest.approx(step, abs=1e-6)


def test_the_parts_of_the_rows_add_up_to_the_gradient() -> None:
    problem = problem_of(IRIS, "batch_size=16", "class_weight={setosa: 3}", "dtype=float64")
    batches = Batches(problem.training_rows(), 16, problem.config.seed, ALONE)
    rows = problem.prepared.rows(TRAIN)[batches.order(0)[:16]] + 1
    found = [trace(problem, int(row), 1) for row in rows]
    assert {one.update for one in found} == {1}
    total = np.sum([joined(one, "own") for one in found], axis=0)
    assert total == pytest.approx(joined(found[0], "gradient"), abs=1e-12)
    assert sum(one.loss.weight for one in found) == pytest.approx(1)
    values = sum(one.loss.value * one.loss.weight for one in found)
    assert values == pytest.approx(found[0].loss.batch, abs=1e-12)


def test_the_passes_are_what_the_formulas_say() -> None:
    problem = problem_of(IRIS, "dtype=float64")
    found = trace(problem, first_row(problem), 1)
    before = {(c.step, c.name): c.before for c in found.changes}
    own = {(c.step, c.name): c.own for c in found.changes}
    for i, step in enumerate(found.steps):
        assert step.dy is not None
        if step.place.layer.name == "dense":
            assert step.y == pytest.approx(step.x @ before[i, "W"] + before[i, "b"][0])
            assert own[i, "W"] == pytest.approx(np.outer(step.x, step.dy))
            back = step.dy @ before[i, "W"].T
        else:
            assert step.y == pytest.approx(np.tanh(step.x))
            back = step.dy * (1 - step.y**2)
        assert step.dx is None if i == 0 else step.dx == pytest.approx(back)
    scores = found.loss.scores
    assert np.array_equal(scores, found.steps[-1].y)
    shares = np.exp(scores) / np.exp(scores).sum()
    assert found.loss.prediction == pytest.approx(shares)
    assert found.loss.value == pytest.approx(-np.log(shares @ found.loss.target))
    assert found.steps[-1].dy == pytest.approx(found.loss.weight * (shares - found.loss.target))


def test_the_first_update_from_a_step_on_that_has_the_row() -> None:
    problem = problem_of(IRIS)
    row = first_row(problem)
    found = [trace(problem, row, step) for step in (1, 2, 7, 8)]
    assert [one.epoch for one in found] == sorted(one.epoch for one in found)
    for one, step in zip(found, (1, 2, 7, 8), strict=True):
        assert step <= one.update < step + 12  # 6 updates an epoch
    assert trace(problem, row, found[0].update).update == found[0].update
    assert trace(problem, row, found[0].update + 1).epoch == found[0].epoch + 1


INSIDE = (
    "network=[{residual: {layers: [{dense: 8}, relu]}}, {parallel: {branches: [[{dense: 3}], "
    "[{dense: 2}, tanh]]}}, {dropout: 0.5}, batch_norm]"
)


def test_layers_inside_layers_are_there() -> None:
    problem = problem_of(IRIS, INSIDE)
    found = trace(problem, first_row(problem), 2)
    names = [f"{step.place.number} {step.place.layer.name}" for step in found.steps]
    assert names == [
        *("1 residual", "1a.1 dense", "1b.1 dense", "1b.2 relu", "2 parallel", "2a.1 dense"),
        *("2b.1 dense", "2b.2 tanh", "3 dropout", "4 batch_norm", "5 dense"),
    ]
    steps = dict(zip(names, found.steps, strict=True))
    joint = np.concatenate([steps["2a.1 dense"].y, steps["2b.2 tanh"].y])
    assert np.array_equal(steps["2 parallel"].y, joint)
    beside, within = steps["1a.1 dense"], steps["1b.2 relu"]
    assert np.array_equal(steps["1 residual"].y, beside.y + within.y)
    assert np.array_equal(beside.x, steps["1 residual"].x)
    assert beside.dy is not None and within.dy is not None
    assert np.array_equal(beside.dy, within.dy)
    assert np.array_equal(joined(found, "after"), trained(problem, found.update))


def test_members_have_more_scores_than_answers() -> None:
    problem = problem_of(IRIS, "network={tabm: {width: 4, count: 2}}")
    found = trace(problem, first_row(problem), 1)
    (loss,) = (s for s in page(found, problem).sections if s.title == "Loss")
    (grid,) = (one for one in loss.parts[0].content if isinstance(one, Grid))
    assert [row[0] for row in grid.rows] == ["", *[""] * 3, "setosa", "versicolor", "virginica"]


@parametrize("layer", Layer)
def test_every_layer_has_formulas_in_the_letters_of_its_place(layer: Layer) -> None:
    units, inside = on_rows(layer, 6)
    found = places(Network([Dense(units=units), *inside, Dense(units=2)], (5,)))
    named = letters(found)
    for place in found:
        own = named[place.path]
        forward, backward = forward_formula(place, own), backward_formula(place, own)
        assert forward.startswith(f"{own.y} = "), forward
        left = {"x", "y", "dx", "dy"} & set(f"{forward} {backward}".split())
        assert left <= ({"x"} if own.x == "x" else set())
        assert own.dy in backward or "de" in backward, backward


@pytest.mark.parametrize("family", ["loss", "optimizer"])
def test_every_loss_and_optimizer_has_a_formula(family: str) -> None:
    owner: type[Component] = Loss if family == "loss" else Optimizer
    for component in members(owner):
        text = update_formula(component) if family == "optimizer" else component.summary()
        assert text.startswith("ℓ = ") if family == "loss" else "θ ← θ" in text, text


@pytest.mark.parametrize("width", [80, 120, 2000])  # as wide as no line of a pipe is
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_page_fits_the_terminal(path: Path, width: int) -> None:
    problem = problem_of(path)
    found = trace(problem, first_row(problem), 1)
    console = Console(width=width, file=io.StringIO(), color_system=None)
    with console.capture() as captured:
        console.print(TraceText(page(found, problem), everything=False))
    text = captured.get()
    assert max(map(cell_len, text.splitlines())) <= min(width, 400)
    for title in ("Input", "Forward pass", "Loss", "Backward pass", "Parameter update"):
        assert f"\n{title} ─" in text
    assert "θ ← θ − η" in text
    numbered = [f"\n{step.place.number} {step.place.layer.name}  " for step in found.steps]
    assert all(name in text for name in numbered)


def shown(*words: object) -> str:
    code, out, err = command(["trace", *map(str, words)])
    assert code == 0, err
    return out


def test_everything_leaves_nothing_out() -> None:
    row = first_row(problem_of(IRIS))
    short, long = shown(IRIS, "--row", row), shown(IRIS, "--row", row, "--all")
    assert "and 253 more" in short
    assert "more\n" not in long
    assert "W₃[16,16]" in long
    assert shown(IRIS, "--row", row, "--all", "--markdown").count("| W₃") == 256


def test_json_and_markdown_say_the_same(tmp_path: Path) -> None:
    row = first_row(problem_of(IRIS))
    done = bpcli("trace", IRIS, "--row", row, "--json", cwd=tmp_path)
    facts: dict[str, Any] = json.loads(done.stdout)
    assert [layer["formula"] for layer in facts["layers"]] == [
        *("z₁ = x W₁ + b₁", "a₂ = tanh(z₁)", "z₃ = a₂ W₃ + b₃", "a₄ = tanh(z₃)"),
        "z₅ = a₄ W₅ + b₅",
    ]
    assert facts["loss"]["backward"] == "δ₅ = c (softmax(z₅) − t)"
    assert np.shape(facts["parameters"][0]["after"]) == (4, 16)
    text = shown(IRIS, "--row", row, "--markdown")
    for layer in facts["layers"]:
        assert f"`{layer['formula']}`" in text
    assert list(tmp_path.iterdir()) == []
