"""The sources hold no way from data to code; test_bad_inputs.py watches what bad inputs do."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from running import ROOT

SOURCES = sorted((ROOT / "bpcli").rglob("*.py"))
MODULES = {"pickle", "marshal", "shelve", "joblib", "dill", "importlib", "runpy", "code", "ctypes"}
CALLS = {"eval", "exec", "compile", "__import__", "input", "vars", "globals", "locals"}
METHODS = {"eval", "query", "read_pickle", "unsafe_load", "full_load", "load_module", "system"}
METHODS |= {"import_module", "find_class", "popen"}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def offences(tree: ast.AST) -> list[str]:
    """What could turn data into code, or a string of a file into an attribute."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found += [a.name for a in names if a.name.split(".")[0] in MODULES]
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in MODULES:
                found.append(module)
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                found.append(name)
            case ast.Call(func=ast.Name(id=("getattr" | "setattr") as name), args=[_, key, *_]):
                if not _ours(key):
                    found.append(f"{name} by {ast.unparse(key)}")
            case ast.Call(func=ast.Attribute(attr=name)) if name in METHODS:
                found.append(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="yaml"), attr="load" | "load_all")):
                found.append("yaml.load")
            case ast.keyword(arg="allow_pickle"):
                found.append("allow_pickle")
    return found


def _ours(key: ast.expr) -> bool:
    """A name that the program itself wrote: a literal, or a loop variable over field names."""
    return isinstance(key, ast.Constant) or ast.unparse(key) in OUR_NAMES


# Names of fields of our own classes, which no file can choose.
OUR_NAMES = {"key", "slot.name"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_way_from_data_to_code(path: Path) -> None:
    assert offences(tree(path)) == []


@pytest.mark.parametrize(
    "code",
    [
        *("import pickle", "from joblib import load", "eval(x)", "exec(x)", "__import__(x)"),
        *("frame.query(x)", "frame.eval(x)", "np.load(f, allow_pickle=True)", "yaml.load(f)"),
        *("getattr(np, name)", "setattr(model, name, value)", "importlib.import_module(x)"),
        *("import importlib.util", "os.system(x)", "pd.read_pickle(f)"),
    ],
)
def test_the_ways_are_known(code: str) -> None:
    assert offences(ast.parse(code))
