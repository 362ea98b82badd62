"""The same config gives the same bytes, whatever surrounds it: B1 and B2 on six reference configs.

Rows 59, 78 and 80 of the fault matrix. Each environment differs from the first one in several
ways; `make matrix` runs every combination.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from matrix import OPTIMIZERS, TASKS, THREADS, environment

ENVIRONMENTS = {
    "many threads and Turkish": {"threads": "7", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu"},
    "optimized, one thread, no UTF-8": {
        "optimize": "-O",
        "threads": "1",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
    },
}


def elsewhere(folder: Path, **settings: str) -> dict[str, str]:
    command, variables = environment(**settings)
    done = subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    found = elsewhere(tmp_path_factory.mktemp("first"), PYTHONHASHSEED="random")
    assert len(found) == len(TASKS) * len(OPTIMIZERS) * len(THREADS)
    assert len(set(found.values())) == len(found)  # the hash sees config and threads
    return found


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_another_environment_gives_the_same_bytes(
    expected: dict[str, str], tmp_path: Path, name: str
) -> None:
    assert elsewhere(tmp_path, **ENVIRONMENTS[name]) == expected


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals of this kind here")
def test_a_terminal_gives_the_same_bytes(expected: dict[str, str], tmp_path: Path) -> None:
    import pty

    command, variables = environment(threads="2", PYTHONHASHSEED="0", LC_ALL="de_DE.UTF-8")
    master, slave = pty.openpty()
    with (tmp_path / "hashes").open("wb") as out:
        process = subprocess.Popen(command, env=variables, cwd=tmp_path, stdout=out, stderr=slave)
        os.close(slave)
        try:
            while os.read(master, 65536):  # progress is drawn; nobody reads it but the terminal
                pass
        except OSError:  # how Linux says that the other side has gone
            pass
        assert process.wait() == 0
    os.close(master)
    assert json.loads((tmp_path / "hashes").read_text()) == expected
