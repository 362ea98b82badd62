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
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cores import on_each_core, output_of
from tables import ROOT, TABLES, Table, write_sample

KEPT = ROOT / ".bench" / "tuning.jsonl"
SMALL = ("wine", "mpg", "diabetes", "penguins", "breast_cancer", "titanic")
WHO = DEFAULT, RANDOM, TPE = "default", "random", "tpe"
Record = dict


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare bpcli tune with random search.")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--tables", default=",".join(SMALL))
    parser.add_argument("--datasets", type=Path, default=ROOT.parent / "shared" / "datasets")
    asked = parser.parse_args()
    KEPT.parent.mkdir(exist_ok=True)
    names = asked.tables.split(",")
    work = [(TABLES[t], s, who) for s in range(asked.seeds) for t in names for who in WHO]
    on_each_core(work, lambda one, core: measure(*one, asked.trials, asked.datasets, core))
    (ROOT / "docs" / "tuning.md").write_text(page(records(), asked.trials), encoding="utf-8")


def measure(table: Table, seed: int, who: str, trials: int, datasets: Path, core: int) -> None:
    """Search and train with a sampler, or train the default, where it is not yet known."""
    if (table.name, seed, who) in {(one["table"], one["seed"], one["who"]) for one in records()}:
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = write_sample(table, datasets, folder)
        config, out = folder / "c.yaml", folder / "out"
        config.write_text(json.dumps({"data": {"path": data.name, "target": table.target}}))
        sets = [f"--set={path}={value}" for path, value in table.settings.items()]
        own = [config, "-o", out, "-q", f"--seed={seed}", *sets]
        found: Record = {"table": table.name, "seed": seed, "who": who}
        if who == DEFAULT:
            bpcli(core, "train", *own)
            found["test"] = test_scores(out)
        else:
            bpcli(core, "tune", *own, f"--set=tune.sampler={who}", f"--trials={trials}", "--jobs=1")
            facts = json.loads((out / "tune.json").read_text())
            found |= {key: facts[key] for key in ("metric", "better", "default", "best")}
            found["test"] = test_scores(out / "run")
    with KEPT.open("a") as file:
        file.write(json.dumps(found) + "\n")
    print(table.name, seed, who, file=sys.stderr, flush=True)


def bpcli(core: int, *arguments: object) -> None:
    output_of(core, "-m", "bpcli", *arguments)


def test_scores(run: Path) -> dict[str, float]:
    return json.loads((run / "metrics.json").read_text())["test"]


def records() -> list[Record]:
    if not KEPT.exists():
        return []
    return [json.loads(line) for line in KEPT.read_text().splitlines()]


# ---- the page -----------------------------------------------------------------------------------

HOW = """\
{trials} trials each, the default as trial 0, of the same space; means over seeds, each with its own
split. "Folds" is what the search sees, the mean score over the folds of its best setting;
"test" is the score of the test rows after training with it, which no search has seen."""


def page(found: list[Record], trials: int) -> str:
    by_table = {name: compared(found, name) for name in TABLES}
    tables = {name: one for name, one in by_table.items() if one}
    lines = [
        "<!-- Written by benchmarks/tuning.py; do not edit. -->",
        "# What a search finds",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d}. " + HOW.format(trials=trials),
        "",
        "| table | seeds | metric | default, folds | random | tpe | default, test | random | tpe |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, one in tables.items():
        cells = [f"{one.folds[who]:.4g}" for who in WHO]
        cells += [f"{one.test[who]:.4g}" for who in WHO]
        lines.append(f"| {name} | {one.seeds} | {one.metric} | {' | '.join(cells)} |")
    lines += ["", f"Of {len(tables)} tables:", ""]
    for other in (RANDOM, DEFAULT):
        better = [name for name, one in tables.items() if one.ahead(one.folds, other) > 0]
        alike = [name for name, one in tables.items() if one.ahead(one.folds, other) == 0]
        test = [name for name, one in tables.items() if one.ahead(one.test, other) >= 0]
        lines.append(
            f"- against {other}: better by folds on {len(better)} ({', '.join(better)}), "
            f"alike on {len(alike)}; on test rows at least as good on {len(test)}"
        )
    return "\n".join([*lines, ""])


class Compared(NamedTuple):
    """A table's means over seeds."""

    seeds: int
    metric: str
    sign: int  # of what is better
    folds: dict[str, float]  # by who
    test: dict[str, float]

    def ahead(self, scores: dict[str, float], other: str) -> float:
        """How much better tpe is than the other."""
        return self.sign * (scores[TPE] - scores[other])


def compared(found: list[Record], name: str) -> Compared | None:
    """The seeds of a table that all are through; None without any."""
    by = {(one["seed"], one["who"]): one for one in found if one["table"] == name}
    seeds = [s for s in {seed for seed, _ in by} if all((s, who) in by for who in WHO)]
    if not seeds:
        return None
    metric, better = (by[seeds[0], TPE][key] for key in ("metric", "better"))
    best = {who: [by[s, who]["best"] for s in seeds] for who in (RANDOM, TPE)}
    best[DEFAULT] = [by[s, TPE]["default"] for s in seeds]
    folds = {who: statistics.mean(one["mean"] for one in of) for who, of in best.items()}
    test = {who: statistics.mean(by[s, who]["test"][metric] for s in seeds) for who in WHO}
    return Compared(len(seeds), metric, 1 if better == "higher" else -1, folds, test)


if __name__ == "__main__":
    main()
