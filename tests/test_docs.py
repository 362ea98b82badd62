"""The pages of docs/: generated ones are up to date, links lead somewhere, examples run."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from components import members
from running import ROOT, bpcli, table, train

from bpcli.config.component import Component
from bpcli.config.document import parse_yaml
from bpcli.runs.folder import TRAINING
from bpcli.runs.tensorfile import unpack

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = ("components.md", "config.md", "commands.md")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def python(*arguments: object, cwd: Path = ROOT) -> str:
    """What a Python process prints, with warnings as errors; bpcli and the tests' helpers known."""
    search = f"{ROOT}:{ROOT / 'tests'}"
    done = subprocess.run(
        ["env", f"PYTHONPATH={search}", sys.executable, "-W", "error", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("name", GENERATED)
def test_generated_page_is_up_to_date(name: str) -> None:
    python("docs/make.py", "--check", name)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith("https://"):
            file, _, anchor = target.partition("#")
            linked = path.parent / file if file else path
            assert linked.exists(), target
            assert not anchor or anchor in anchors(linked), target


@pytest.mark.parametrize("path", [*PAGES, ROOT / "docs" / "train.svg"], ids=lambda path: path.name)
def test_no_page_names_a_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(home|root|tmp|usr|var|work|Users)/", text)


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in headings}


OWN = sorted(name for name in Component.registry if not name.startswith("test_"))


@pytest.mark.parametrize("family", OWN)
def test_written_forms_mean_the_component(family: str) -> None:
    written_forms = runpy.run_path(str(ROOT / "docs" / "make.py"))["written_forms"]
    owner = next(iter(Component.registry[family].values())).__mro__[1]
    while owner.name:
        owner = owner.__mro__[1]
    for component in members(owner):
        forms = written_forms(type(component))
        if type(component).name in forms:  # the bare name stands for all defaults
            forms.remove(type(component).name)
            assert owner.parse(type(component).name) == type(component)()
        assert {owner.parse(parse_yaml(form, "form").value) for form in forms} <= {component}


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs/iris-1, trained from the shipped config."""
    folder = tmp_path_factory.mktemp("iris")
    train(ROOT / "configs" / "iris.yaml", cwd=folder)
    return folder


def keys(value: Any) -> set[str]:
    """The keys of a mapping and of the mappings one step further in."""
    inner = [item for item in value.values() if isinstance(item, dict)]
    return set(value).union(*inner)


def test_the_run_folder_is_documented(iris: Path) -> None:
    run, text = iris / "runs" / "iris-1", page("run-folder.md")
    record = json.loads((run / "run.json").read_text())
    named = {*TRAINING.files, *keys(record), *record["columns"][0]} - {
        "train",
        "validation",
        "test",
    }
    for name in ("history.csv", "split.csv", "diagnostics.csv"):
        named |= set(table((run / name).read_text())[0])
    metadata, tensors = unpack((run / "model.safetensors").read_bytes(), "model")
    named |= set(metadata) | {re.sub(r"\.\d+\.", ".<i>.", name) for name in tensors}
    assert {name for name in named if f"`{name}`" not in text} == set()


def test_the_model_can_be_read_without_bpcli(iris: Path) -> None:
    (code,) = [
        text for language, text in BLOCK.findall(page("run-folder.md")) if language == "python"
    ]
    assert "bpcli" not in re.findall(r"import (\w+)", code)
    shares = eval(python("-c", code, cwd=iris))
    flower = dict(re.findall(r"(\w+)=([\d.]+)", code))
    (iris / "flower.csv").write_text(f"{','.join(flower)}\n{','.join(flower.values())}\n")
    (row,) = table(bpcli("predict", "runs/iris-1", "flower.csv", cwd=iris).stdout)
    expected = {name.removeprefix("p_"): float(row[name]) for name in row if name.startswith("p_")}
    assert shares == pytest.approx(expected, abs=1e-12)


EXAMPLES = {
    re.sub(r"\W+", "_", head.lower()): dict(BLOCK.findall(text))
    for head, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page("extending.md"), re.M | re.S)
}

TRAINED_AND_TESTED = """
import importlib
import sys
import pytest
from bpcli.cli.app import run

examples, names, tests = {examples}, {names}, {tests}
for example in examples:
    importlib.import_module(example)
    sys.argv = ["bpcli", "train", f"{{example}}.yaml", "-o", f"runs/{{example}}", "-q"]
    assert run() == 0
sys.argv = ["bpcli", "list"]
assert run() == 0
sys.exit(pytest.main([*tests, "-vvk", " or ".join(names), "-p", "no:cacheprovider"]))
"""


def test_example_components(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "data", tmp_path / "data")
    names = []
    for head, blocks in EXAMPLES.items():
        (tmp_path / f"{head}.py").write_text(blocks["python"])
        (tmp_path / f"{head}.yaml").write_text(blocks["yaml"])
        names += re.findall(r'name: ClassVar\[str\] = "(\w+)"', blocks["python"])
    assert len(names) == len(EXAMPLES) == 6
    files = ("test_nn_gradients.py", "test_nn_replicas.py", "test_json_schema.py")
    tests = [str(ROOT / "tests" / name) for name in files]
    code = TRAINED_AND_TESTED.format(examples=list(EXAMPLES), names=names, tests=tests)
    (tmp_path / "check.py").write_text(code)
    said = python("check.py", cwd=tmp_path)
    for head, name in zip(EXAMPLES, names, strict=True):
        run = tmp_path / "runs" / head
        assert re.search(rf"^{name} ", said, re.M), "bpcli list"
        if head == "a_metric":
            assert json.loads((run / "metrics.json").read_text())["test"][name] > 0
        else:
            assert name in (run / "config.resolved.yaml").read_text()
            assert f"[{name}]" in said, "generated tests"


ADDED = """
import sys
from bpcli.cli.app import run

for example in {examples}:
    sys.argv = ["bpcli", "train", f"{{example}}.yaml", "-o", f"runs/{{example}}", "-q"]
    assert run() == 0
sys.argv = ["bpcli", "list"]
assert run() == 0
"""


def test_an_example_component_is_one_file(tmp_path: Path) -> None:
    """Its diff, applied to a copy of the project: the class at the end of one module."""
    shutil.copytree(ROOT / "bpcli", tmp_path / "bpcli")
    shutil.copytree(ROOT / "data", tmp_path / "data")
    for head, blocks in EXAMPLES.items():
        (tmp_path / f"{head}.yaml").write_text(blocks["yaml"])
        file, lines = re.match(r" (\S+) \| (\d+) \++\n 1 file changed", blocks["diff"]).groups()
        added = "\n\n" + blocks["python"][blocks["python"].index("class ") :]
        assert added.count("\n") == int(lines), head
        with (tmp_path / file).open("a", encoding="utf-8") as module:
            module.write(added)
    (tmp_path / "check.py").write_text(ADDED.format(examples=list(EXAMPLES)))
    said = python("check.py", cwd=tmp_path)
    for blocks in EXAMPLES.values():
        (name,) = re.findall(r'name: ClassVar\[str\] = "(\w+)"', blocks["python"])
        assert re.search(rf"^{name} ", said, re.M), "bpcli list"
