"""Whatever surrounds a command changes no byte of a result, and hostile names stay exact in files.

The numbers of rows are those of the fault matrix, as in tests/bad_inputs.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bad_inputs.case import CLASSES, CONFIG, TABLE
from running import ROOT, bpcli, train

from bpcli.config.document import read_document

SAME = (
    *("model.safetensors", "predictions_test.csv", "split.csv", "metrics.json"),
    "diagnostics.csv",
)
SURROUNDINGS = {  # rows 80 and 81
    "another hash seed": ([], {"PYTHONHASHSEED": "7"}),
    "optimised": (["-O"], {}),
    "an ASCII locale": ([], {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    "no home": ([], {"HOME": "", "XDG_CACHE_HOME": ""}),
    "warnings are errors": (["-W", "error"], {}),
}


def run(folder: Path, *arguments: str, options: list[str], **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, *options, "-m", "bpcli", *arguments],
        cwd=folder,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("usual")
    (folder / "t.csv").write_text(TABLE)
    (folder / "c.yaml").write_text(CONFIG)
    run(folder, "train", "c.yaml", "-o", "usual", options=[])
    return folder


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_the_surroundings_change_no_byte(usual: Path, name: str) -> None:
    options, environment = SURROUNDINGS[name]
    run(usual, "train", "c.yaml", "-o", name, options=options, **environment)
    for file in SAME:
        assert (usual / name / file).read_bytes() == (usual / "usual" / file).read_bytes(), file


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """Row 81: the command says so, whatever it would have done there."""
    command = f"mkdir x; cd x; rmdir ../x; '{sys.executable}' -m bpcli train ../c.yaml"
    (tmp_path / "c.yaml").write_text(CONFIG)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode in (3, 4, 6), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error[BP-")


def test_modes_follow_the_umask(usual: Path) -> None:
    """Row 81."""
    command = f"umask 077; '{sys.executable}' -m bpcli train c.yaml -o private -q"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(["bash", "-c", command], cwd=usual, check=True, env=environment)
    modes = {oct(path.stat().st_mode & 0o777) for path in (usual / "private").iterdir()}
    assert modes == {"0o600"}


def test_names_of_files_suit_every_system(usual: Path) -> None:
    """Row 83: lower case, ASCII, and none that Windows keeps for itself."""
    names = [path.name for path in (usual / "usual").iterdir()]
    assert all(re.fullmatch(r"[a-z_]+(\.[a-z]+)+", name) for name in names)
    assert not {name.split(".")[0] for name in names} & {"con", "prn", "aux", "nul", "com", "lpt"}


@pytest.mark.parametrize("name", ["a b", "a\nb", "ä ö", "-x", "x" * 200, "a'b\"c", "$HOME", "%s{}"])
def test_names_of_files_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    """Row 82."""
    (tmp_path / f"{name}.csv").write_text(TABLE)
    config = CONFIG.replace("t.csv", json.dumps(f"{name}.csv", ensure_ascii=False))
    (tmp_path / f"{name}.yaml").write_text(config)
    bpcli("train", "-o", f"./{name}", "--", f"{name}.yaml", cwd=tmp_path)
    bpcli("predict", "-o", f"./{name}.out", "--", name, f"{name}.csv", cwd=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        *(name, f"{name}.csv", f"{name}.yaml", f"{name}.out")
    }


EVIL = "\x1b[31m\u202e<b>[/]:x:&amp;'\"#=1+1"


def test_hostile_names_stay_exact_in_files(tmp_path: Path) -> None:
    """Row 85."""
    with (tmp_path / "t.csv").open("w", newline="") as file:
        rows = list(csv.reader(CLASSES.splitlines()))
        names = [f"{name}{EVIL}" for name in ["id", *rows[0]]]
        body = [[f"k{i}", *row[:-1], row[-1] + EVIL] for i, row in enumerate(rows[1:])]
        csv.writer(file).writerows([names, *body])
    written = json.dumps({"path": "t.csv", "columns": {names[0]: "id"}})
    (tmp_path / "c.yaml").write_text(f"data: {written}\nnetwork: [{{dense: 2}}]\nepochs: 1\n")
    train(tmp_path / "c.yaml", "-o", "run", cwd=tmp_path)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert [column["name"] for column in record["columns"]] == names
    with (tmp_path / "run" / "predictions_test.csv").open(newline="") as file:
        header = next(csv.reader(file))
    labels = {row[-1] for row in body}
    assert header[:3] == ["row", names[0], names[-1]]
    assert set(header[4:]) == {f"p_{label}" for label in labels}
    data = read_document(tmp_path / "run" / "config.resolved.yaml").value["data"]
    assert data["target"] == names[-1]
    assert set(data["columns"]) == set(names[:-1])
