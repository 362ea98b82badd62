"""Who may import whom: the packages form a line, and imports point down it only."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import ROOT

ORDER = [
    "config",
    "nn",
    "metrics",
    "data",
    "experiment",
    "insight",
    "selection",
    "execution",
    "runs",
    "display",
    "cli",
]
PACKAGES = {"nn": {"config"}, "metrics": {"config"}, "data": {"config", "nn"}}
PANDAS_IN = {"data", "runs"}  # runs asks for its version
NUMERIC = {"numpy", "pandas"}
LIGHT = ["config", "cli", "__main__.py", "__init__.py"]  # must not import numpy at the top
SOURCES = sorted((ROOT / "bpcli").rglob("*.py"))
BENCHMARKS = sorted((ROOT / "benchmarks").rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


def package(path: Path) -> str:
    return path.relative_to(ROOT / "bpcli").parts[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_arrows_point_down(path: Path) -> None:
    home = package(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "pandas":
            assert home in PANDAS_IN, f"{home} imports pandas"
        if parts[0] != "bpcli" or len(parts) == 1 or home.endswith(".py"):
            continue
        below = PACKAGES.get(home, set(ORDER[: ORDER.index(home)]))
        assert parts[1] in {home} | below, f"{home} imports {name}"


def test_every_package_has_its_place() -> None:
    assert {package(path) for path in SOURCES} - {"__init__.py", "__main__.py"} == set(ORDER)


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_a_benchmark_imports_is_there(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bpcli"):
            module = importlib.import_module(node.module or "")
            for alias in node.names:
                assert hasattr(module, alias.name), f"{node.module} has no {alias.name}"
