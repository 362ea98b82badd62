"""bpcli and its peers on fifteen tables, same splits and seeds; writes docs/quality.md.

python benchmarks/quality.py [--seeds 3] [--tables a,b] [--entries x,y] [--datasets FOLDER]
                             [--untimed]

Every entry has one core, and so many tables are measured at once as there are cores. What was
measured is kept in .bench/quality.jsonl and not measured again. `make quality` runs this.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from cores import on_each_core, output_of
from quality_page import page
from tables import ROOT, TABLES, Table, write_sample

HERE = Path(__file__).parent
KEPT = ROOT / ".bench" / "quality.jsonl"
PEERS = ("linear", "sklearn_mlp", "hist_gb", "realmlp_td_s", "realmlp_td")
OURS = {
    "bpcli": {},
    "bpcli 5 folds": {"ensemble": "{folds: 5}"},
    "bpcli mlp": {"network": "mlp"},
    "bpcli linear": {"network": "linear"},
    "bpcli realmlp_small": {"network": "realmlp_small"},
    "bpcli realmlp": {"network": "realmlp"},
    "bpcli tabm": {"network": "tabm"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare bpcli's defaults with its peers.")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--entries", default=",".join([*OURS, *PEERS]))
    parser.add_argument("--datasets", type=Path, default=ROOT.parent / "shared" / "datasets")
    help = "keep no times, as the machine has other work"
    parser.add_argument("--untimed", action="store_true", help=help)
    asked = parser.parse_args()
    KEPT.parent.mkdir(exist_ok=True)
    work = [(TABLES[t], seed) for seed in range(asked.seeds) for t in asked.tables.split(",")]
    entries = asked.entries.split(",")
    timed = not asked.untimed
    on_each_core(work, lambda one, core: compare(*one, entries, asked.datasets, core, timed))
    (ROOT / "docs" / "quality.md").write_text(page(records(), machine()), encoding="utf-8")


def compare(
    table: Table, seed: int, entries: list[str], datasets: Path, core: int, timed: bool
) -> None:
    """Measure on a core what is not yet known of a table and a seed."""
    known = {(r["table"], r["seed"], r["entry"]) for r in records()}
    wanted = [entry for entry in entries if (table.name, seed, entry) not in known]
    if not wanted:
        return
    with tempfile.TemporaryDirectory() as folder:
        data = write_sample(table, datasets, Path(folder))
        reference = Path(folder, "linear")
        train(table, data, seed, {"network": "linear"}, reference, core)
        for entry in wanted:
            if entry in OURS:
                run = Path(folder, entry.replace(" ", "_"))
                result = train(table, data, seed, OURS[entry], run, core)
            else:
                result = peer(table, data, seed, entry, reference, core)
            say(table, seed, entry, result)
            own = result if timed else {**result, "seconds": None}
            keep({"table": table.name, "seed": seed, "entry": entry, **own})


def train(
    table: Table, data: Path, seed: int, settings: dict[str, str], run: Path, core: int
) -> dict:
    """`bpcli train` as a user calls it, its time with it, and the scores of its test rows."""
    config = data.with_suffix(".yaml")
    config.write_text(json.dumps({"data": {"path": data.name, "target": table.target}}))
    sets = {**table.settings, **settings, "seed": str(seed)}
    options = [part for path, value in sets.items() for part in ("--set", f"{path}={value}")]
    begin = time.perf_counter()
    output_of(core, "-m", "bpcli", "train", config, "-o", run, "-q", *options)
    return {"seconds": time.perf_counter() - begin, **scores(table, run)}


def scores(table: Table, run: Path) -> dict[str, float | None]:
    test = json.loads((run / "metrics.json").read_text())["test"]
    if table.is_regression:
        return {"error": test["rmse"], "log_loss": None}
    return {"error": 1 - test["accuracy"], "log_loss": test["log_loss"]}


def peer(
    table: Table, data: Path, seed: int, entry: str, reference: Path, core: int
) -> dict[str, float | None]:
    done = output_of(core, HERE / "quality_peers.py", entry, data, reference, table.name, seed)
    return json.loads(done.splitlines()[-1])


def records() -> list[dict]:
    if not KEPT.exists():
        return []
    return [json.loads(line) for line in KEPT.read_text().splitlines()]


def keep(record: dict) -> None:
    with KEPT.open("a") as file:
        file.write(json.dumps(record) + "\n")


def machine() -> str:
    names = ("bpcli", "numpy", "scikit-learn", "pytabkit", "torch")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {platform.machine()}, {python}; {versions}."


def say(table: Table, seed: int, entry: str, result: dict) -> None:
    loss = result["log_loss"]
    shown = "" if loss is None else f"  log loss {loss:.4f}"
    head = f"{table.name:14} {seed} {entry:16}"
    print(f"{head} {result['error']:12.5g} {result['seconds']:8.1f} s{shown}", file=sys.stderr)


if __name__ == "__main__":
    main()
