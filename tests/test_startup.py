"""Help and version answer at once, and threads are set, before numpy and pandas are imported."""

from __future__ import annotations

import subprocess
import sys

import pytest
from running import ROOT

PROBE = """
import sys
sys.argv = ["bpcli", *{arguments!r}]
from bpcli.__main__ import main
try:
    main()
except SystemExit:
    pass
print(*(name for name in ("numpy", "pandas") if name in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        (["--help"], ""),
        (["--version"], ""),
        (["train", "--help"], ""),
        (["predict", "--help"], ""),
        (["validate", "configs/iris.yaml", "-q"], "numpy"),
        (["list", "loss"], "numpy"),
        (["schema"], "numpy"),
    ],
    ids=" ".join,
)
def test_imports(arguments: list[str], loaded: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(arguments=arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr.strip() == loaded
    assert done.stdout or "-q" in arguments


THREADS = """
import sys
import bpcli.runs.threads as threads
def look(model):
    print("numpy" in sys.modules)
    raise SystemExit
threads.use_threads_of = look
sys.argv = ["bpcli", {command!r}, "run", "t.csv"]
from bpcli.cli.app import run
run()
"""


@pytest.mark.parametrize("command", ["predict", "evaluate", "explain"])
def test_the_threads_of_a_model_are_set_before_numpy_is_there(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", THREADS.format(command=command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "False\n", done.stderr
