"""`bpcli report`: one page that needs nothing else, tells the run, and predicts as the run does."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from base64 import b64encode
from contextlib import chdir
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from bad_inputs.case import command
from running import ROOT, bpcli, table, write_csv

from bpcli.runs.model import read_model
from bpcli.runs.portable import portable

PROGRAM = (ROOT / "bpcli" / "display" / "report" / "net.js").read_text(encoding="utf-8")
NODE = shutil.which("node")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
ANSWERS = ("y", "v", "n", "pass", "kind", "p", "q")
PLAIN = "network: [{dense: 4}, tanh]\n"
KINDS = {
    "number": ("y", PLAIN),
    "numbers": ("[y, v]", PLAIN + "preprocess: {numeric: robust, target: robust}\n"),
    "above 0": ("v", PLAIN + "preprocess: {numeric: minmax, target: log}\n"),
    "ranks": ("y", PLAIN + "preprocess: {numeric: quantile, target: quantile}\n"),
    "counts": ("n", PLAIN + "loss: poisson\n"),
    "quantiles": ("[y, v]", PLAIN + "loss: {quantile: {levels: [0.1, 0.5, 0.9]}}\n"),
    "two classes": ("pass", PLAIN + "decision: {threshold: 0.3}\n"),
    "classes": ("kind", "network: [{dense: 4}, {dropout: 0.2}, batch_norm, layer_norm, mish]\n"),
    "labels": ("[p, q]", "network: [{dense: 4}, gelu, {dense: 3}, selu, silu]\n"),
    "ensemble": ("kind", PLAIN + "ensemble: {folds: 3}\n"),
    "members": ("y", PLAIN + "ensemble: 3\n"),
    "embeddings": (
        "y",
        PLAIN + "preprocess: {numeric_embedding: piecewise, categorical: {one_hot: 2}}\n",
    ),
    "waves": ("y", PLAIN + "preprocess: {numeric_embedding: periodic}\n"),
    "branches": (
        "kind",
        "network: [{residual: [{dense: 5}, elu]}, {parallel: [[{dense: 2}, leaky_relu], "
        "[{dense: 3}, softplus]]}, {parametric: selu}, scale, {residual: [{dense: 5}, sigmoid]}]\n",
    ),
    "within": ("y", PLAIN + "preprocess: {target: clipped}\n"),
    "tangent": ("y", "network: [scale, {dense: {units: 5, init: ntk}}, {parametric: selu}]\n"),
}


def rows(count: int = 80) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [
        {
            "day": f"{1 + i % 28}.{1 + i % 12}.2024",
            "at": "" if i % 9 == 0 else f"2023-{1 + i % 12:02d}-{1 + i % 28:02d}T{i % 24:02d}:30",
            "size": "" if i % 11 == 0 else f"{10 * b:.3f}",
            "weight": f"{1000 * c:.1f}",
            "open": "" if i % 13 == 0 else ("yes" if c > 0.5 else "no"),
            "town": ["Ulm", "Bonn", "Köln", ""][i % 4],
            "side": "LR"[i % 2],
            "y": f"{a + b - c + (i % 3):.4f}",
            "v": f"{np.exp(a - b):.4f}",
            "n": int(9 * a * b),
            "pass": "yes" if b > c else "no",
            "kind": "abc"[int(3 * b)],
            "p": int(b > 0.5),
            "q": int(b > c),
        }
        for i, (a, b, c) in enumerate(rng.random((count, 3)).tolist())
    ]


NEW: list[dict[str, str]] = [
    {"town": "Mainz", "open": "no", "size": "-3e2", "day": "29.2.2000"},
    {"town": "", "open": "", "size": "", "at": ""},
    {"open": "TRUE", "side": "X", "weight": "1e9", "at": "1969-12-31T23:59"},
]


def inside(folder: Path, *words: object) -> str:
    """What a command prints that runs in this process."""
    with chdir(folder):
        code, out, err = command([str(word) for word in words])
    assert code == 0, err
    return out


@pytest.mark.skipif(NODE is None, reason="there is no node")
@pytest.mark.parametrize("kind", KINDS)
def test_the_page_predicts_as_the_run_does(kind: str, tmp_path: Path) -> None:
    target, rest = KINDS[kind]
    names = target.strip("[]").split(", ")
    drop = ", ".join(f"{name}: drop" for name in ANSWERS if name not in names)
    text = f"data: {{path: d.csv, target: {target}, columns: {{{drop}}}}}\nepochs: 3\n{rest}"
    (tmp_path / "c.yaml").write_text(text)
    given = rows()
    write_csv(tmp_path / "d.csv", given)
    inside(tmp_path, "train", "c.yaml", "-o", "run", "-q")
    asked = [*given[:10], *({**given[20], **changed} for changed in NEW)]
    write_csv(tmp_path / "new.csv", asked)
    told = table(inside(tmp_path, "predict", "run", "new.csv", "-q"))
    _, ensemble = read_model(tmp_path / "run")
    data = json.dumps(portable(ensemble))
    found = in_node(PROGRAM, data, [{k: str(v) for k, v in row.items()} for row in asked], tmp_path)
    words = [name for name in told[0] if name.startswith(("p_", "prediction"))]
    if "p_" in "".join(words):
        words = [name for name in words if name.startswith("p_")]
    elif kind == "quantiles":
        words = [name for name in words if "_q" in name]
    expected = np.array([[float(row[name]) for name in words] for row in told])
    assert np.array(found) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def in_node(program: str, data: str, asked: list[dict[str, str]], folder: Path) -> Any:
    """What the program of a page predicts."""
    script = folder / "page.js"
    script.write_text(
        f"const document = {{getElementById: () => null}};\n{program}\n"
        f"const model = {data};\n"
        f"const rows = JSON.parse({json.dumps(json.dumps(asked))});\n"
        "console.log(JSON.stringify(rows.map((row) => Net.predict(model, row))));\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [str(NODE), str(script)], capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Elements(HTMLParser):
    """The elements of a page, its programs and the data of its network."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.programs: list[str] = []
        self.data, self.text, self._inside = "", "", ""

    @classmethod
    def of(cls, page: str) -> Elements:
        elements = cls()
        elements.feed(page)
        elements.close()
        return elements

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag if tag != "script" else f"script {dict(attrs).get('type')}"

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script None":
            self.programs.append(data)
        elif self._inside.startswith("script"):
            self.data = data
        elif self._inside != "style":
            self.text += data


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run on wine, a sweep, and the report of both."""
    folder = tmp_path_factory.mktemp("wine")
    config = ROOT / "configs" / "wine.yaml"
    inside(folder, "train", config, "-o", "run", "-q")
    few = ["--set", "lr_sweep.rates=3", "--set", "epochs=3", "--set", "split.folds=2"]
    inside(folder, "lr-sweep", config, "-o", "sweep", "-q", "-j", "1", *few)
    bpcli("report", "run", "--sweep", "sweep", "-o", "wine.html", cwd=folder)
    return folder


def page_of(folder: Path) -> str:
    return (folder / "wine.html").read_text(encoding="utf-8")


def test_the_page_tells_the_run(wine: Path) -> None:
    elements = Elements.of(page_of(wine))
    record = json.loads((wine / "run" / "run.json").read_text())
    for said in (
        *(record["run"], record["data"]["sha256"], record["environment"]["numpy"]),
        *("alcohol", "od280_od315_of_diluted_wines", "every cell is a number", "class_2"),
        *("balanced_accuracy", "linear model", "95 % interval", "always 'class_1'"),
        *("bpcli verify", "dropout because 178 rows are few", "label_smoothing"),
    ):
        assert said in elements.text, said
    labels = [attrs.get("aria-label") for tag, attrs in elements.tags if tag == "svg"]
    assert labels == [
        *("reliability of the probabilities", "permutation importance", "attributions"),
        *("loss over the epochs", "learning-rate sweep"),
    ]


def test_the_page_asks_for_nothing(wine: Path) -> None:
    page = page_of(wine)
    elements = Elements.of(page)
    for tag, attrs in elements.tags:
        for name in ("src", "href", "xlink:href", "action", "data", "srcset"):
            value = attrs.get(name) or "#"
            assert value.startswith(("#", "data:")), (tag, name, value)
    style = "".join(re.findall(r"<style.*?</style>", page, re.S))
    assert "@import" not in style and not re.search(r"url\((?!#)", page.split("<script")[0])
    (policy,) = [a["content"] for tag, a in elements.tags if a.get("http-equiv")]
    (program,) = elements.programs
    digest = b64encode(sha256(program.encode()).digest()).decode()
    assert str(policy).startswith(f"default-src 'none'; script-src 'sha256-{digest}';")


@pytest.mark.skipif(NODE is None, reason="there is no node")
def test_the_page_of_wine_predicts_ten_rows_as_the_run_does(wine: Path) -> None:
    data = ROOT / "data" / "wine.csv"
    told = table(inside(wine, "predict", "run", data, "-q"))[:10]
    elements = Elements.of(page_of(wine))
    asked = table(data.read_text(encoding="utf-8"))[:10]
    found = in_node(*elements.programs, elements.data, asked, wine)
    expected = [[float(v) for k, v in row.items() if k.startswith("p_")] for row in told]
    assert np.array(found) == pytest.approx(np.array(expected), abs=1e-12)


def test_ids_of_charts_do_not_meet(wine: Path) -> None:
    ids = [attrs["id"] for _, attrs in Elements.of(page_of(wine)).tags if attrs.get("id")]
    assert len(set(ids)) == len(ids)


HOSTILE = (
    *("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "<svg onload=alert(1)>"),
    *("{{ 7 * 7 }}", "</script><b>", "$\\frac{1", "a\u202eb", "&lt;i&gt;", "__proto__"),
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    rng = np.random.default_rng(1)
    names = [*HOSTILE[:-1], "<b>class</b>"]
    values = rng.random((60, len(names)))
    given = [dict(zip(names, map(str, row), strict=True)) for row in values.tolist()]
    for row, number in zip(given, values[:, 0], strict=True):
        row["__proto__"] = "<i>" if number > 0.5 else "'\"&"
        row["<b>class</b>"] = "</script><u>" if number > 0.4 else "<!--"
    write_csv(folder / "d.csv", given)
    target = json.dumps("<b>class</b>")
    (folder / "c.yaml").write_text(f"data: {{path: d.csv, target: {target}}}\nepochs: 3\n{PLAIN}")
    inside(folder, "train", "c.yaml", "-o", "run", "-q")
    inside(folder, "report", "run", "-o", "wine.html", "-q")
    return folder


def test_hostile_names_are_text(hostile: Path) -> None:
    page = page_of(hostile)
    elements = Elements.of(page)
    tags = {tag for tag, _ in elements.tags}
    assert not tags & {"img", "b", "u", "i", "iframe"} - {"b"}
    assert sum(tag == "b" for tag, _ in elements.tags) == 5  # the tiles
    assert sum(tag == "script" for tag, _ in elements.tags) == 2
    assert not [name for _, attrs in elements.tags for name in attrs if name.startswith("on")]
    for name in HOSTILE[:6]:
        assert name in elements.text
    assert "\u202e" not in page and "49" not in re.findall(r"<td>(\d+)</td>", page)


@pytest.mark.skipif(NODE is None, reason="there is no node")
def test_hostile_names_are_columns(hostile: Path) -> None:
    told = table(inside(hostile, "predict", "run", "d.csv", "-q"))[:5]
    asked = table((hostile / "d.csv").read_text(encoding="utf-8"))[:5]
    elements = Elements.of(page_of(hostile))
    found = in_node(*elements.programs, elements.data, asked, hostile)
    expected = [[float(v) for k, v in row.items() if k.startswith("p_")] for row in told]
    assert np.array(found) == pytest.approx(np.array(expected), abs=1e-12)


class Browsed(NamedTuple):
    """What a browser made of a page."""

    page: str
    complaints: list[str]  # in its console
    requests: list[str]  # for which the page was the reason


def browsed(page: Path, folder: Path) -> Browsed:
    quiet = ("disable-background-networking", "disable-component-update", "disable-sync")
    options = [
        *(f"--{word}" for word in ("headless", "no-sandbox", "disable-gpu", "no-first-run")),
        *(f"--{word}" for word in ("disable-quic", *quiet, "dump-dom", "enable-logging=stderr")),
        *(f"--user-data-dir={folder / 'profile'}", f"--log-net-log={folder / 'net.json'}"),
        "--virtual-time-budget=2000",
    ]
    done = subprocess.run(
        [str(CHROMIUM), *options, page.as_uri()],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    events = json.loads((folder / "net.json").read_text())["events"]
    started = [event.get("params", {}) for event in events]
    asked = [one["url"] for one in started if one.get("initiator") == "null"]
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Browsed(done.stdout, complaints, asked)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
@pytest.mark.parametrize("name", ["wine", "hostile"])
def test_a_browser_has_nothing_to_complain_of(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder: Path = request.getfixturevalue(name)
    found = browsed(folder / "wine.html", tmp_path)
    assert found.complaints == [] and found.requests == []
    answer = re.search(r'<div id="answer".*?</div>\s*</section>', found.page, re.S)
    assert answer and "<h3>" in answer[0] and "cannot be read" not in answer[0]


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_page_that_asks_and_fails_would_be_seen(wine: Path, tmp_path: Path) -> None:
    page = re.sub("<meta http-equiv[^>]*>", "", page_of(wine))
    wrong = '<main><img src="http://127.0.0.1:9/x.png"><script>console.error("no")</script>'
    (tmp_path / "wrong.html").write_text(page.replace("<main>", wrong), encoding="utf-8")
    found = browsed(tmp_path / "wrong.html", tmp_path)
    assert found.complaints and "http://127.0.0.1:9/x.png" in found.requests


def test_a_network_that_the_page_cannot_run_is_left_out(tmp_path: Path) -> None:
    given = [{"a": i, "b": i % 4, "y": i % 3 + i / 10} for i in range(40)]
    write_csv(tmp_path / "d.csv", given)
    (tmp_path / "c.yaml").write_text(
        "data: {path: d.csv, target: y}\nepochs: 1\n"
        "network: [{image: {height: 1, width: 2}}, flatten, {dense: 2}]\n"
    )
    inside(tmp_path, "train", "c.yaml", "-o", "run", "-q")
    inside(tmp_path, "report", "run", "-q")
    elements = Elements.of((tmp_path / "run" / "report.html").read_text(encoding="utf-8"))
    assert "The form is left out: its layer image is not one that" in elements.text
    assert elements.programs == []


def test_data_that_are_gone_cost_the_explanation_only(wine: Path, tmp_path: Path) -> None:
    shutil.copytree(wine / "run", tmp_path / "elsewhere" / "run")
    inside(tmp_path / "elsewhere", "report", "run", "-q")
    page = (tmp_path / "elsewhere" / "run" / "report.html").read_text(encoding="utf-8")
    assert "There is no explanation: the file does not exist" in page
    assert "loss over the epochs" in page
