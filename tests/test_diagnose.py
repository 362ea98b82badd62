"""`bpcli diagnose` and diagnostics.csv: what is written, read, found and mended."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from components import parametrize
from running import ROOT, bpcli, table, train
from sick import layers

from bpcli.config.edit import with_value
from bpcli.experiment.fit import Fit
from bpcli.experiment.load import load
from bpcli.experiment.members import Members
from bpcli.experiment.problem import LearningProblem
from bpcli.insight.evidence import Evidence
from bpcli.insight.look import Reading
from bpcli.insight.rules import RULES, diagnose
from bpcli.insight.watch import Watch
from bpcli.nn.activations import Activation
from bpcli.nn.layer import EVALUATION, Views
from bpcli.runs.diagnosed import diagnosed
from bpcli.runs.resolved import prepare_and_resolve
from bpcli.runs.stored import StoredRun
from bpcli.runs.tables import diagnostics_csv, diagnostics_of

IRIS = ROOT / "configs" / "iris.yaml"


def problem_of(*sets: str) -> LearningProblem:
    prepared, config = prepare_and_resolve(load(IRIS, sets))
    return LearningProblem.of(config, prepared)


def watched(problem: LearningProblem, every: int) -> Watch:
    fit = Members.of(problem).fit()
    watch = Watch(fit, every)
    watch.begin()
    for record in fit:
        watch.follow(record)
    watch.end()
    return watch


def of_layer(readings: list[Reading], layer: str) -> list[Reading]:
    return [one for one in readings if one.layer == layer]


LONG = "iterations=120", "stop={}"


def test_when_it_is_looked_at() -> None:
    problem = problem_of(*LONG)  # 90 rows in batches of 16: 6 updates an epoch
    at = [one.iteration for one in of_layer(watched(problem, 40).readings, "loss")]
    assert at == [0, 42, 84, 120]  # every 7 epochs, and with the last weights
    at = [one.iteration for one in of_layer(watched(problem, 1000).readings, "loss")]
    assert at == [120]


def test_what_is_seen_is_what_is_there() -> None:
    problem = problem_of(*LONG, "batch_size=full", "iterations=3", "optimizer=sgd")
    watch = watched(problem, 1)
    fit = Fit.of(problem)
    before = fit.group.state.flat.copy()
    next(iter(fit))
    after, slots = fit.group.state.flat, problem.network.slots
    first = of_layer(watch.readings, "1")[0]
    own = [slice(slot.start, slot.stop) for slot in slots if slot.path == (0,)]
    old, new = (np.concatenate([flat[0, cut] for cut in own]) for flat in (before, after))
    assert first.weight_norm == pytest.approx(float(np.linalg.norm(old)), rel=1e-4)
    gradient = np.linalg.norm(new - old) / 0.01
    assert first.gradient_norm == pytest.approx(float(gradient), rel=1e-3)
    ratio = np.linalg.norm(new - old) / np.linalg.norm(old)
    assert first.update_ratio == pytest.approx(float(ratio), rel=1e-3)
    x = problem.training_rows().x[0]
    z = x @ before[0, :64].reshape(4, 16) + before[0, 64:80]
    assert (first.mean, first.std) == pytest.approx((z.mean(), z.std()), abs=1e-5)
    assert first.rms == pytest.approx(float(np.sqrt((z**2).mean(axis=0)).max()), rel=1e-4)
    a = np.tanh(z)
    tanh = of_layer(watch.readings, "2")[0]
    assert tanh.saturated == pytest.approx(float((1 - a**2 < 0.02).mean()), abs=1e-9)
    assert tanh.dead == 0 and first.saturated is None


def test_a_look_changes_nothing() -> None:
    problem = problem_of(
        *LONG, "network=[{dense: 8}, batch_norm, relu, {dropout: 0.3}]", "optimizer=adam"
    )
    plain = Members.of(problem).fit()
    list(plain)
    assert np.array_equal(watched(problem, 1).fit.replicas[0].weights, plain.replicas[0].weights)


def test_networks_together_are_seen_as_each_alone() -> None:
    three = watched(problem_of(*LONG, "ensemble=3"), 40).readings
    fit = Fit(Members.of(problem_of(*LONG, "ensemble=3")).replicas()[1:2])
    alone = Watch(fit, 40)
    alone.begin()
    for record in fit:
        alone.follow(record)
    alone.end()
    assert [one for one in three if one.member == 2] == [
        one._replace(member=2) for one in alone.readings
    ]


def test_layers_inside_layers_are_seen() -> None:
    inside = "network=[{residual: {layers: [{dense: 8}, sigmoid]}}, {parametric: tanh}]"
    seen = {(one.layer, one.name) for one in watched(problem_of(*LONG, inside), 40).readings}
    assert {("1b.1", "dense"), ("1b.2", "sigmoid"), ("2.1", "tanh"), ("2", "parametric")} <= seen


def test_the_file_reads_back_to_the_same() -> None:
    for sets in (LONG, (*LONG, "ensemble=2")):
        readings = watched(problem_of(*sets), 40).readings
        text = diagnostics_csv(readings)
        assert diagnostics_of(text) == readings
        assert ("member" in text.partition("\n")[0]) == ("ensemble=2" in sets)


@parametrize("activation", Activation)
def test_what_saturates_is_known(activation: Activation) -> None:
    s = Views(**{name: np.empty((1, 2, 1)) for name in activation.plan((1,)).scratch})
    x = np.array([[[-30.0], [30.0]]])
    activation.forward(x, Views(), s, EVALUATION)
    slope = activation.backward(x, np.ones_like(x), Views(), Views(), s)
    assert slope is not None
    assert activation.saturates == bool((np.abs(slope) < 1e-6).all())


def test_rules_have_ids_and_names_of_their_own() -> None:
    assert len({rule.id for rule in RULES}) == len({rule.name for rule in RULES}) == len(RULES)
    names = {rule.name for rule in RULES}
    assert all(set(rule.explains) <= names - {rule.name} for rule in RULES)
    for at, rule in enumerate(RULES):
        before = {one.name for one in RULES[:at]}
        assert not set(rule.explains) & before, f"{rule.name} explains what is found before it"


def test_a_run_is_diagnosed_from_its_folder(tmp_path: Path) -> None:
    hot = ("--set", "learning_rate=10", "--set", "iterations=600")
    done = bpcli("train", IRIS, "-o", "hot", *hot, cwd=tmp_path)
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning[BP-N02")]
    assert len(warnings) == 1
    assert warnings[0].startswith("warning[BP-N025] learning_rate: learning rate too high: at ")
    assert "What to do about it: bpcli diagnose hot" in done.stderr
    facts = json.loads(bpcli("diagnose", "hot", "--json", cwd=tmp_path).stdout)
    assert [one["id"] for one in facts["findings"]] == ["BP-N025"]
    record = json.loads((tmp_path / "hot" / "run.json").read_text())
    assert "BP-N025" in [one["id"] for one in record["notices"]]
    bpcli("diagnose", "hot", "--strict", code=9, cwd=tmp_path)
    run = StoredRun.read(tmp_path / "hot")
    (told,) = diagnosed(run, load(tmp_path / "hot" / "config.resolved.yaml").config)
    assert told.finding.rule.name == "learning rate too high"
    rows = table((tmp_path / "hot" / "diagnostics.csv").read_text())
    assert {row["layer"] for row in rows} >= {"inputs", "target", "loss", "1", "5"}


@pytest.mark.parametrize(
    "sets", [("learning_rate=10",), (layers(20, "sigmoid"),), ("learning_rate=1e-7",)], ids=str
)
def test_the_config_with_the_remedies_is_healthy(sets: tuple[str, ...], tmp_path: Path) -> None:
    text = IRIS.read_text().replace("../data", str(ROOT / "data"))
    for one in sets:
        path, _, value = one.partition("=")
        if path == "network":
            at = text.index("\nnetwork:"), text.index("loss:")
            text = text[: at[0]] + f"\nnetwork: {value}\n" + text[at[1] :]
        else:
            text = with_value(text, "c.yaml", one)
    (tmp_path / "c.yaml").write_text(text)
    bpcli("diagnose", "c.yaml", "--strict", "--fix", "fixed.yaml", code=9, cwd=tmp_path)
    fixed = (tmp_path / "fixed.yaml").read_text()
    assert "# bpcli: diagnose found " in fixed
    assert "# A first neural network" in fixed and "# parameter updates" in fixed
    bpcli("diagnose", "fixed.yaml", "--strict", cwd=tmp_path)
    bpcli("diagnose", "c.yaml", "--fix", "fixed.yaml", code=6, cwd=tmp_path)


def test_a_healthy_run_is_said_to_be(tmp_path: Path) -> None:
    train(IRIS, "-o", "run", cwd=tmp_path)
    assert bpcli("diagnose", "run", "--strict", cwd=tmp_path).stdout.startswith("Nothing found.")


def test_no_evidence_is_no_finding() -> None:
    assert diagnose(Evidence(problem_of().config, [], [], 100)) == []
