"""The one module that writes: whole files, on the disk, over nothing that was not meant."""

from __future__ import annotations

import itertools
import os
import resource
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path
from shlex import quote

import pytest
from resuming import essence, state
from running import ROOT, bpcli, train

from bpcli.config.errors import OutputError
from bpcli.runs import files
from bpcli.runs.checkpoint import read_checkpoint
from bpcli.runs.files import TEMPORARY, remove_leftovers, replacing, require_space, write_file
from bpcli.runs.source import read_model_bytes


def leftovers(folder: Path) -> list[Path]:
    return list(folder.glob(f"{TEMPORARY}*"))


def test_a_file_is_written_whole_with_the_users_mode(tmp_path: Path) -> None:
    write_file(tmp_path / "a", "text\n")
    write_file(tmp_path / "a", b"other")
    assert (tmp_path / "a").read_bytes() == b"other"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~files._UMASK
    assert leftovers(tmp_path) == []


def test_nobody_else_reads_a_file_that_is_being_written(tmp_path: Path) -> None:
    with replacing(tmp_path / "a") as file:
        (temporary,) = leftovers(tmp_path)
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
        file.write(b"x")
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a").read_bytes() == b"x"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_fails_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    write_file(tmp_path / "a", "old")
    with pytest.raises(error), replacing(tmp_path / "a") as file:
        file.write(b"new")
        raise error
    assert (tmp_path / "a").read_text() == "old"
    assert leftovers(tmp_path) == []


def test_only_temporary_files_of_the_dead_are_removed(tmp_path: Path) -> None:
    code = "import sys, os; from bpcli.runs.files import _prefix; print(_prefix(), os.getpid())"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    prefix, dead = said.stdout.split()
    kept = [f"{prefix}{os.getpid()}-aa.tmp", f"{TEMPORARY}0000-{dead}-aa.tmp", "a.tmp"]
    for name in (*kept, f"{prefix}{dead}-aa.tmp"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "fifo"])
def test_what_is_no_plain_file_is_not_written(tmp_path: Path, kind: str) -> None:
    path, other = tmp_path / "a", tmp_path / "other"
    other.write_text("kept")
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(other if kind == "link" else tmp_path / "nowhere")
    with pytest.raises(OutputError, match="link to" if "link" in kind else "plain file"):
        write_file(path, "x")
    assert other.read_text() == "kept"
    assert not (tmp_path / "nowhere").exists()
    assert leftovers(tmp_path) == []


def test_a_folder_that_became_a_link_is_not_followed(tmp_path: Path) -> None:  # row 32
    (tmp_path / "outside").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "outside")
    with pytest.raises(OutputError, match=r"\(open\)"):
        write_file(tmp_path / "run" / "a", "x")
    assert list((tmp_path / "outside").iterdir()) == []


def test_space_is_asked_for_with_both_numbers(tmp_path: Path) -> None:
    require_space(tmp_path, 1)
    with pytest.raises(
        OutputError, match=r"needs about 1,000,000,000,000,000,000 bytes, [\d,]+ are"
    ):
        require_space(tmp_path, 10**18)


DATA = ROOT / "data" / "iris.csv"
CONFIG = "data: {path: iris.csv, target: species}\nnetwork: [{dense: 3}]\nepochs: 2\n"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    (folder / "iris.csv").write_bytes(DATA.read_bytes())
    (folder / "c.yaml").write_text(CONFIG)
    train(folder / "c.yaml", "-o", "run", cwd=folder)
    return folder


@pytest.fixture
def trained(original: Path, tmp_path: Path) -> Path:
    """A folder with a table, a config and a finished run."""
    return Path(shutil.copytree(original, tmp_path, dirs_exist_ok=True))


@pytest.mark.parametrize("way", ["iris.csv", "./iris.csv", "hard", "link", "folder/iris.csv"])
def test_predictions_never_replace_their_input(trained: Path, way: str) -> None:  # rows 27, 31
    os.link(trained / "iris.csv", trained / "hard")
    (trained / "link").symlink_to("iris.csv")
    (trained / "folder").symlink_to(".")
    done = bpcli("predict", "run", "iris.csv", "-o", way, "-f", cwd=trained, code=6)
    assert "iris.csv" in done.stderr
    assert (trained / "iris.csv").read_bytes() == DATA.read_bytes()


@pytest.mark.parametrize("name", ["config.yaml", "model.safetensors"])
def test_a_run_never_replaces_its_input(trained: Path, name: str) -> None:  # row 27
    folder = trained / "other"
    folder.mkdir()
    source = "c.yaml" if name == "config.yaml" else "iris.csv"
    os.link(trained / source, folder / name)
    done = bpcli("train", "c.yaml", "-o", "other", "--force", cwd=trained, code=6)
    assert source in done.stderr
    assert (trained / source).exists()
    assert (folder / name).read_bytes() == (trained / source).read_bytes()


# row: (what stands in the way, the words of the message)
IN_THE_WAY = {
    "28 a file above": ("file/run", "not a folder"),
    "28 a file of that name": ("file", "not a folder"),
    "31 a link to a folder": ("link", "link to outside"),
    "31 a dangling link": ("dangling", "link to nowhere"),
    "29 a finished run": ("run", "--force"),
    "29 a foreign folder": ("outside", "not a run folder"),
}


@pytest.mark.parametrize("name", IN_THE_WAY)
def test_what_is_in_the_way_is_said_before_training(trained: Path, name: str) -> None:
    output, said = IN_THE_WAY[name]
    (trained / "file").touch()
    (trained / "outside").mkdir()
    (trained / "outside" / "mine").touch()
    (trained / "link").symlink_to("outside")
    (trained / "dangling").symlink_to("nowhere")
    before = sorted(trained.rglob("*"))
    (trained / "iris.csv").write_text("no table")  # would be an error of its own, found later
    done = bpcli("train", "c.yaml", "-o", output, cwd=trained, code=6)
    assert said in done.stderr
    assert sorted(trained.rglob("*")) == before


as_root = pytest.mark.skipif(os.getuid() != 0, reason="needs to mount a file system")


def in_a_mount(options: str, script: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A shell script in which `small` is a file system of its own, which ends with it."""
    (cwd / "small").mkdir(exist_ok=True)
    mount = f"mount -t tmpfs -o {options} none small"
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{mount} && {script.replace('BPCLI', COMMAND)}"],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
    )


COMMAND = f"{quote(sys.executable)} -m bpcli"


@as_root
@pytest.mark.parametrize(
    ("options", "output", "said"),
    [
        ("size=64k", "small/run", "are free on this disk"),  # row 33
        ("size=64k,nr_inodes=2", "small/run", "No space left on device"),
        ("ro", "small/run", "not writable"),  # row 28
    ],
)
def test_a_disk_that_is_full_or_closed_is_said_before_training(
    trained: Path, options: str, output: str, said: str
) -> None:
    script = f"BPCLI train c.yaml -o {output}; code=$?; find small -mindepth 1; exit $code"
    done = in_a_mount(options, script, trained)
    assert done.returncode == 6, done.stderr
    assert said in done.stderr
    assert done.stdout == ""


@as_root
def test_predictions_that_do_not_fit_the_disk(trained: Path) -> None:  # row 36
    script = (
        "BPCLI predict run iris.csv -o small/p.csv; code=$?; find small -mindepth 1; exit $code"
    )
    done = in_a_mount("size=4k", script, trained)
    assert done.returncode == 6, done.stderr
    assert "small/p.csv: cannot be written: No space left on device (write)" in done.stderr
    assert done.stdout == ""


CALM = "data: {path: iris.csv, target: species}\nnetwork: [{dense: 8}]\nepochs: 4000\n"
OFTEN = CALM + "output: {checkpoint_every: 0.02}\n"


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The essence of a longer run with all the room it needs."""
    folder = tmp_path_factory.mktemp("calm")
    shutil.copy(DATA, folder)
    (folder / "c.yaml").write_text(CALM)
    train(folder / "c.yaml", "-o", "run", cwd=folder)
    return essence(folder / "run")


def goes_on(folder: Path) -> dict[str, str]:
    """The essence of the run once it has been gone on with; what it left behind was whole."""
    read_checkpoint(folder / "run" / "checkpoint.safetensors")
    assert leftovers(folder / "run") == []
    bpcli("train", "c.yaml", "-o", "run", "--resume", cwd=folder)
    return essence(folder / "run")


@as_root
def test_a_disk_that_fills_up_while_training(tmp_path: Path, calm: dict[str, str]) -> None:
    shutil.copy(DATA, tmp_path)  # row 34
    (tmp_path / "c.yaml").write_text(OFTEN)
    begun = "until [ -e small/run/checkpoint.safetensors ]; do sleep 0.01; done"
    training = "BPCLI train c.yaml -o small/run -q; code=$?; cp -r small/run .; exit $code"
    script = f"({begun}; cat /dev/zero > small/x) 2>&- & {training}"
    done = in_a_mount("size=2m", script, tmp_path)
    assert done.returncode == 6, done.stderr
    assert "cannot be written: No space left on device" in done.stderr
    assert "small/run has a checkpoint at iteration" in done.stderr
    assert goes_on(tmp_path) == calm


def test_a_limit_of_file_sizes_while_training(tmp_path: Path, calm: dict[str, str]) -> None:
    shutil.copy(DATA, tmp_path)  # rows 34, 42: the history in the checkpoint grows
    (tmp_path / "c.yaml").write_text(OFTEN)
    done = subprocess.run(
        [sys.executable, "-m", "bpcli", "train", "c.yaml", "-o", "run", "-q"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert done.returncode == 6, done.stderr
    assert "the limit is 100,000 bytes" in done.stderr
    assert "run has a checkpoint at iteration" in done.stderr
    assert state(tmp_path / "run") == "failed"
    assert goes_on(tmp_path) == calm


def test_a_model_is_read_while_it_is_written_anew(trained: Path) -> None:  # row 62
    model = trained / "run" / "model.safetensors"
    train(trained / "c.yaml", "-o", "other", "--seed", 1, cwd=trained)
    versions = [model.read_bytes(), (trained / "other" / "model.safetensors").read_bytes()]
    assert versions[0] != versions[1]
    expected = {predictions(trained, content) for content in versions}
    over = threading.Event()

    def write() -> None:
        for content in itertools.cycle(versions):
            write_file(model, content)
            if over.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = set[bytes]()
        for count in itertools.count():  # on a busy machine the writer may wait for long
            seen.add(read_model_bytes(model)[0])
            if count >= 2000 and len(seen) > 1:
                break
        answers = {bpcli("predict", model, "iris.csv", cwd=trained).stdout for _ in range(3)}
    finally:
        over.set()
        writer.join()
    assert seen == set(versions)
    assert answers <= expected


def predictions(folder: Path, content: bytes) -> str:
    (folder / "one.safetensors").write_bytes(content)
    return bpcli("predict", "one.safetensors", "iris.csv", cwd=folder).stdout


def test_a_device_is_no_output(trained: Path) -> None:  # row 37
    done = bpcli("predict", "run", "iris.csv", "-o", "/dev/full", "-f", cwd=trained, code=6)
    assert "/dev/full: is not a plain file" in done.stderr


def test_a_limit_of_file_sizes_is_named(trained: Path) -> None:  # row 42
    done = subprocess.run(
        [sys.executable, "-m", "bpcli", "predict", "run", "iris.csv", "-o", "p.csv"],
        cwd=trained,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )
    assert done.returncode == 6, done.stderr
    assert "the limit is 1,000 bytes" in done.stderr
    assert not (trained / "p.csv").exists()
    assert leftovers(trained) == []
