"""What `bpcli tune` finds beside random search and the default; writes docs/tuning.md.

python benchmarks/tuning.py [--seeds 3] [--trials 40] [--tables wine,mpg] [--datasets FOLDER]

A search has one core, and so many run at once as there are cores. Both samplers begin with the
default as trial 0 and try as many settings of the same space; the test rows are opened at the end.
What was measured is kept in .bench/tuning.jsonl and not measured again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from cores import on_each_core, output_of
from tables import ROOT, TABLES, Table, write_sample

KEPT = ROOT / ".bench" / "tuning.jsonl"
SMALL = ("titanic", "penguins", "mpg", "wine", "breast_cancer", "diabetes")
SAMPLERS = ("tpe", "random")
Record = dict


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare bpcli tune with random search.")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--tables", default=",".join(SMALL))
    parser.add_argument("--datasets", type=Path, default=ROOT.parent / "shared" / "datasets")
    asked = parser.parse_args()
    KEPT.parent.mkdir(exist_ok=True)
    work = [(TABLES[t], seed) for seed in range(asked.seeds) for t in asked.tables.split(",")]
    on_each_core(work, lambda one, core: measure(*one, asked.trials, asked.datasets, core))
    (ROOT / "docs" / "tuning.md").write_text(page(records(), asked.trials), encoding="utf-8")


def measure(table: Table, seed: int, trials: int, datasets: Path, core: int) -> None:
    """Search and train with each sampler, and train the default, where it is not yet known."""
    known = {(one["table"], one["seed"]) for one in records()}
    if (table.name, seed) in known:
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = write_sample(table, datasets, folder)
        (folder / "c.yaml").write_text(
            json.dumps({"data": {"path": data.name, "target": table.target}})
        )
        sets = [f"--set={path}={value}" for path, value in table.settings.items()]
        sets.append(f"--seed={seed}")
        found: Record = {"table": table.name, "seed": seed}
        bpcli(core, "train", folder / "c.yaml", "-o", folder / "default", "-q", *sets)
        for sampler in SAMPLERS:
            out = folder / sampler
            own = [f"--set=tune.sampler={sampler}", f"--trials={trials}", "--jobs=1"]
            bpcli(core, "tune", folder / "c.yaml", "-o", out, "-q", *own, *sets)
            facts = json.loads((out / "tune.json").read_text())
            found["metric"], found["better"] = facts["metric"], facts["better"]
            found["default"] = facts["default"]["mean"]
            found[sampler] = facts["best"]["mean"]
            found[f"{sampler} test"] = test_score(out / "run", facts["metric"])
        found["default test"] = test_score(folder / "default", found["metric"])
    with KEPT.open("a") as file:
        file.write(json.dumps(found) + "\n")
    print(found, file=sys.stderr, flush=True)


def bpcli(core: int, *arguments: object) -> None:
    output_of(core, "-m", "bpcli", *arguments)


def test_score(run: Path, metric: str) -> float:
    return json.loads((run / "metrics.json").read_text())["test"][metric]


def records() -> list[Record]:
    if not KEPT.exists():
        return []
    return [json.loads(line) for line in KEPT.read_text().splitlines()]


# ---- the page -----------------------------------------------------------------------------------

HOW = """\
{trials} trials each, the default as trial 0, of the same space; means over {seeds} seeds, each with
its own split. "Folds" is what the search sees, the mean score over the folds of its best setting;
"test" is the score of the test rows after training with it, which no search has seen."""


def page(found: list[Record], trials: int) -> str:
    tables = [name for name in TABLES if any(one["table"] == name for one in found)]
    seeds = min(sum(one["table"] == name for one in found) for name in tables)
    lines = [
        "<!-- Written by benchmarks/tuning.py; do not edit. -->",
        "# What a search finds",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d}. " + HOW.format(trials=trials, seeds=seeds),
        "",
        "| table | metric | default, folds | random | tpe | default, test | random | tpe |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    won = {"random": 0, "default": 0, "random test": 0, "default test": 0}
    for name in tables:
        own = [one for one in found if one["table"] == name]
        mean = {key: statistics.mean(one[key] for one in own) for key in columns()}
        sign = 1 if own[0]["better"] == "higher" else -1
        for other in won:
            mine = "tpe test" if "test" in other else "tpe"
            won[other] += sign * mean[mine] >= sign * mean[other]
        cells = " | ".join(f"{mean[key]:.4g}" for key in columns())
        lines.append(f"| {name} | {own[0]['metric']} | {cells} |")
    said = ", ".join(f"{other} on {count}" for other, count in won.items())
    return "\n".join(
        [*lines, "", f"Of {len(tables)} tables tpe is at least as good as: {said}.", ""]
    )


def columns() -> Iterable[str]:
    return [f"{who}{where}" for where in ("", " test") for who in ("default", "random", "tpe")]


if __name__ == "__main__":
    main()
