"""bpcli train --resume: the same bytes as a run never stopped, or a refusal that says why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from resuming import CONFIG, HUP, INT, KILL, TERM, end, essence, flowers, leftovers, state
from resuming import wait_for as wait
from running import ROOT, begin, bpcli, train

from bpcli.experiment.fit import Fit
from bpcli.experiment.load import load
from bpcli.experiment.members import Members
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.progress import Snapshot
from bpcli.experiment.stopping import Record
from bpcli.runs.resolved import prepare_and_resolve
from bpcli.runs.tables import history_csv, history_of
from bpcli.runs.tensorfile import pack, unpack

LONG = CONFIG.replace("epochs: 60", "epochs: 400")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    train(flowers(folder, LONG), "-o", "run", cwd=folder)
    return folder / "run"


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A run that was killed after its first checkpoint."""
    process = begin("train", flowers(tmp_path, LONG), "-o", "run", cwd=tmp_path)
    wait(tmp_path / "run" / "checkpoint.safetensors", process)
    end(process, KILL)
    return tmp_path / "run"


# The fault matrix's rows for each signal; SIGKILL has no exit code of its own.
STOPS = {
    "44 Ctrl-C": ([INT], 130),
    "46 Ctrl-C twice": ([INT, INT], 130),
    "49 SIGTERM": ([TERM], 143),
    "50 SIGHUP": ([HUP], 129),
    "52 SIGKILL": ([KILL], -9),
}


@pytest.mark.parametrize("name", STOPS)
def test_a_stopped_run_ends_in_the_bytes_of_one_never_stopped(
    whole: Path, tmp_path: Path, name: str
) -> None:
    signals, code = STOPS[name]
    config = flowers(tmp_path, LONG)
    process = begin("train", config, "-o", "run", cwd=tmp_path)
    wait(tmp_path / "run" / "checkpoint.safetensors", process)
    returned, said = end(process, *signals)
    assert returned == code, said
    run = tmp_path / "run"
    assert state(run) == ("running" if signals == [KILL] else "interrupted")
    if signals != [KILL]:
        assert "--resume" in said
        assert leftovers(run) == []
    done = bpcli("train", config, "-o", "run", "--resume", cwd=tmp_path)
    assert "goes on from its checkpoint at iteration" in done.stderr
    assert state(run) == "completed"
    assert essence(run) == essence(whole)
    assert leftovers(run) == []


def test_an_unfinished_run_is_neither_begun_anew_nor_used(stopped: Path) -> None:  # row 30
    said = bpcli("train", "flowers.yaml", "-o", "run", cwd=stopped.parent, code=6).stderr
    assert "holds a run that was interrupted" in said
    assert "--resume" in said
    assert "--force" in said
    said = bpcli("predict", "run", "flowers.csv", cwd=stopped.parent, code=5).stderr
    assert "its run is interrupted" in said


def test_the_command_it_prints_goes_on(whole: Path, tmp_path: Path) -> None:
    config = flowers(tmp_path, LONG.replace("epochs: 400", "epochs: 3"))
    options = ("--set", "epochs=400", "--seed", "0", "--threads", "1")
    process = begin("train", config, "-o", "run", *options, cwd=tmp_path)
    wait(tmp_path / "run" / "checkpoint.safetensors", process)
    _, said = end(process, INT)
    command = next(line for line in said.splitlines() if line.startswith("go on with: "))
    bpcli(*command.split()[4:], cwd=tmp_path)
    assert essence(tmp_path / "run") == essence(whole)


def test_without_a_checkpoint_it_begins_at_the_start(whole: Path, tmp_path: Path) -> None:
    config = flowers(tmp_path, LONG)
    done = bpcli("train", config, "-o", "run", "--resume", cwd=tmp_path)
    assert "begins at the start" in done.stderr
    assert essence(tmp_path / "run") == essence(whole)


def test_a_finished_run_is_left_alone(whole: Path, tmp_path: Path) -> None:
    config, run = flowers(tmp_path, LONG), tmp_path / "run"
    shutil.copytree(whole, run)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in run.iterdir()}
    facts = json.loads(bpcli("train", config, "-o", run, "--resume", "--json", cwd=tmp_path).stdout)
    assert facts["metrics"]["test"] == json.loads((run / "metrics.json").read_text())["test"]
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in run.iterdir()} == before


def test_the_run_folders_own_config_resumes_it(whole: Path, stopped: Path) -> None:
    resolved = stopped / "config.resolved.yaml"
    bpcli("train", resolved, "-o", stopped, "--resume", cwd=stopped.parent)
    assert essence(stopped) == essence(whole)


@pytest.mark.parametrize(
    ("row", "change", "code", "said"),
    [
        (11, ("flowers.yaml", "learning_rate: 0.01", "learning_rate: 0.02"), 3, "was 0.01 and is"),
        (11, ("flowers.yaml", "epochs: 400", "epochs: 500"), 3, "was 400 and is 500"),
        (11, ("flowers.yaml", "tanh", "relu"), 3, "network"),
        (20, ("flowers.csv", "5.1,", "5.2,"), 4, "150 rows, SHA-256"),
        (87, ("flowers.yaml", "batch_size", "threads: 512\nbatch_size"), 8, "--threads"),
    ],
)
def test_another_run_is_refused(
    stopped: Path, row: int, change: tuple[str, str, str], code: int, said: str
) -> None:
    name, old, new = change
    file, before = stopped.parent / name, (stopped / "checkpoint.safetensors").read_bytes()
    file.write_text(file.read_text().replace(old, new, 1))
    command = ("train", "flowers.yaml", "-o", "run", "--resume")
    assert said in bpcli(*command, cwd=stopped.parent, code=code).stderr
    assert (stopped / "checkpoint.safetensors").read_bytes() == before


def test_every_changed_key_is_named(stopped: Path) -> None:
    command = ("train", "flowers.yaml", "-o", "run", "--resume")
    changes = ("--set", "seed=3", "--set", "batch_size=8", "--set", "output.checkpoint_every=9")
    said = bpcli(*command, *changes, cwd=stopped.parent, code=3).stderr
    assert "seed: was 0 and is 3 now" in said
    assert "batch_size: was 16 and is 8 now" in said
    assert "2 errors; nothing was written" in said


def test_a_flipped_bit_of_the_checkpoint_is_refused(stopped: Path) -> None:  # row 73
    content = bytearray((stopped / "checkpoint.safetensors").read_bytes())
    content[len(content) // 2] ^= 1
    (stopped / "checkpoint.safetensors").write_bytes(content)
    command = ("train", "flowers.yaml", "-o", "run", "--resume")
    bpcli(*command, cwd=stopped.parent, code=5)
    assert (stopped / "checkpoint.safetensors").read_bytes() == content


def test_files_of_two_runs_are_refused(whole: Path, tmp_path: Path) -> None:  # row 75
    config = flowers(tmp_path, LONG)
    train(config, "-o", "run", "--seed", "5", cwd=tmp_path)
    run, ids = tmp_path / "run", set()
    for path in (whole, run):
        ids.add(json.loads((path / "run.json").read_text())["run"])
    for name in ("checkpoint.safetensors", "model.safetensors"):
        kept = (run / name).read_bytes()
        (run / name).write_bytes((whole / name).read_bytes())
        command = (
            ("predict", "run", "flowers.csv")
            if name.startswith("model")
            else ("train", config, "-o", "run", "--resume", "--seed", "5")
        )
        said = bpcli(*command, cwd=tmp_path, code=5).stderr
        assert all(run_id in said for run_id in ids), said
        (run / name).write_bytes(kept)


def test_a_model_is_no_checkpoint(stopped: Path, whole: Path) -> None:
    shutil.copy(whole / "model.safetensors", stopped / "checkpoint.safetensors")
    command = ("train", "flowers.yaml", "-o", "run", "--resume")
    assert "no checkpoint" in bpcli(*command, cwd=stopped.parent, code=5).stderr


def test_a_checkpoint_of_other_shapes_is_refused(stopped: Path) -> None:
    path = stopped / "checkpoint.safetensors"
    record, tensors = unpack(path.read_bytes(), "c")
    tensors["state.flat"] = np.zeros((1, 3), np.float32)
    path.write_bytes(pack(record, tensors))
    command = ("train", "flowers.yaml", "-o", "run", "--resume")
    assert "state.flat" in bpcli(*command, cwd=stopped.parent, code=5).stderr


@pytest.mark.parametrize("form", ["3", "{folds: 3}"])
def test_a_killed_ensemble_ends_in_the_bytes_of_one_never_stopped(
    tmp_path: Path, form: str
) -> None:
    text = LONG + f"ensemble: {form}\nstop: {{restore_best: true}}\n"
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    for folder in (calm, killed):
        folder.mkdir()
        flowers(folder, text)
    train("flowers.yaml", "-o", "run", cwd=calm)
    process = begin("train", "flowers.yaml", "-o", "run", cwd=killed)
    wait(killed / "run" / "checkpoint.safetensors", process)
    end(process, KILL)
    done = bpcli("train", "flowers.yaml", "-o", "run", "--resume", cwd=killed)
    assert "goes on from its checkpoint at iteration" in done.stderr
    assert essence(killed / "run") == essence(calm / "run")
    metrics = json.loads((killed / "run" / "metrics.json").read_text())
    assert metrics["calibration"]["method"] == "temperature"


@pytest.mark.parametrize("options", [(), ("-o", "run", "--force")])
def test_resume_names_one_folder(tmp_path: Path, options: tuple[str, ...]) -> None:
    bpcli("train", flowers(tmp_path), "--resume", *options, cwd=tmp_path, code=2)


METHODS = {
    "adam": "optimizer: adam",
    "momentum, ema, clip": "optimizer: {sgd: {momentum: 0.9}}\nema: 0.99\nclip: {norm: 0.1}",
    "patience": "stop: {patience: 3}\nlearning_rate: 0.1",
    "batch norm": "network: [{dense: 8}, batch_norm, tanh]\nschedule: cosine",
    "full batch": "batch_size: full\nstop: {threshold: 0.9}",
    "backoff": "optimizer: sgd\nlearning_rate: 1000\n"
    "on_divergence: backoff\nnetwork: [{dense: 8}, relu, {dense: 8}, relu]\nepochs: 12",
    "lbfgs": "optimizer: lbfgs\nbatch_size: full\nepochs: 30",
    "weights": "class_weight: balanced\ndtype: float64",
    "plateau": "schedule: reduce_on_plateau\nlearning_rate: 0.3",
    "two processes": "threads: 2\nbatch_size: 64\nnetwork: [{dense: 300}, relu]",
    "many batches": "batch_size: 1\nepochs: 2",
    "ensemble": "ensemble: 3\nnetwork: [{dense: 8}, tanh, {dropout: 0.2}]\nstop: {patience: 2}\n"
    "learning_rate: 0.1\nepochs: 8",
    "folds": "ensemble: {folds: 3}\nema: 0.9\nbatch_size: 40\nepochs: 4",
    "groups one after another": "ensemble: {folds: 7}\nbatch_size: 40\nepochs: 2",
    "ensemble of two processes": "ensemble: 3\nthreads: 2\nbatch_size: 64\nepochs: 5\n"
    "stop: {threshold: 0.95}",
    "ensemble that backs off": "ensemble: 2\noptimizer: sgd\nlearning_rate: 200\n"
    "on_divergence: backoff\nnetwork: [{dense: 8}, relu, {dense: 8}, relu]\nepochs: 6",
}


def learning_problem(folder: Path, keys: dict[str, str]) -> LearningProblem:
    """Iris with a small network, and some keys of its config."""
    network = {"network": "[{dense: 8}, tanh]", "epochs": "5", "batch_size": "16"}
    lines = [f"{key}: {value}" for key, value in {**network, **keys}.items()]
    data = f"data: {{path: {ROOT / 'data' / 'iris.csv'}, target: species}}"
    (folder / "c.yaml").write_text("\n".join([data, *lines]))
    prepared, config = prepare_and_resolve(load(folder / "c.yaml"))
    return LearningProblem.of(config, prepared)


@pytest.mark.parametrize("name", METHODS)
def test_a_snapshot_before_any_update_goes_on_to_the_same_bits(tmp_path: Path, name: str) -> None:
    rest = dict(line.split(": ", 1) for line in METHODS[name].splitlines())
    problem = learning_problem(tmp_path, rest)
    taken: list[tuple[Snapshot, list[Record]]] = []

    def keep() -> None:
        progress, arrays = fit.snapshot()
        copies = {name: array.copy() for name, array in arrays.items()}
        taken.append((Snapshot(progress, copies), [*fit.records]))

    members = Members.of(problem)
    fit = members.fit(keep)
    records = list(fit)
    last = fit.snapshot()
    assert ("back" in name) == any(one.halvings for one in fit.replicas)
    for moment, before in taken[:: max(1, len(taken) // 12)]:
        again = members.fit()
        again.restore(moment, before)
        done = [*before, *again]
        assert [r._replace(seconds=0) for r in done] == [r._replace(seconds=0) for r in records]
        assert [r.seconds for r in done] == sorted(r.seconds for r in done)
        assert _bits(again.snapshot()) == _bits(last)
        for one, other in zip(fit.replicas, again.replicas, strict=True):
            assert other.weights.tobytes() == one.weights.tobytes()


def _bits(snapshot: Snapshot) -> object:
    arrays = {name: array.tobytes() for name, array in snapshot.arrays.items()}
    return snapshot.progress.model_copy(update={"seconds": 0.0}), arrays


def test_history_reads_back_to_the_same_records() -> None:
    records = [
        Record(1, 7, 0.1, 1 / 3, 5e-324, None, 2.0, 0.25),
        Record(2, 14, 1e-7, float("inf"), float("nan"), 0.5, 1e300, 1.5),
        Record(3, 21, 0.1, 1.0, None, None, 0.0, 2.0),
    ]
    text = history_csv(records, "accuracy")
    assert history_csv(history_of(text), "accuracy") == text
    assert str(history_of(text)) == str(records)


def test_time_counts_over_all_sittings(tmp_path: Path) -> None:
    problem = learning_problem(tmp_path, {"stop": "{max_time: 1000}", "epochs": "100"})
    fit = Fit.of(problem)
    next(iter(fit))
    progress, arrays = fit.snapshot()
    again = Fit.of(problem)
    late = Snapshot(progress.model_copy(update={"seconds": 999.999}), arrays)
    again.restore(late, fit.records)
    records = list(again)
    assert 999.999 < records[0].seconds <= records[-1].seconds
    assert records[-1].epoch < 100
    assert "time limit" in again.replicas[0].stop_reason
