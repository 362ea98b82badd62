"""DEC and IDEC beside plain K-means on the digits; writes docs/deep_clusters.md.

    .venv/bin/python benchmarks/deep_clusters.py

`configs/digits_idec.yaml` with five seeds, and the same with `dec`. What they are compared with is
what every such run says: K-means, the best of twenty starts, on the scaled columns, and on the
latent numbers of the autoencoder before its clusters begin.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from bpcli.experiment.clusters import ON_COLUMNS, ON_EMBEDDING
from bpcli.runs.files import write_file

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "configs" / "digits_idec.yaml"
PAGE = ROOT / "docs" / "deep_clusters.md"
SEEDS = range(1, 6)
LOSSES = ("dec", "idec")
Scores = dict[str, float]

HEAD = """\
# Deep clusters

Written by `benchmarks/deep_clusters.py`: the 1,797 digits, each of 64 pixels, in ten clusters by
`configs/digits_idec.yaml`, and by the same with `dec`, with five seeds. The digit of a row is never
looked at; it is compared with the clusters. K-means is the best of twenty starts, on the scaled
columns and on the latent numbers of the autoencoder before its clusters begin. The settings were
chosen on seed 0.

| seed | k-means, columns | k-means, latent | dec | idec |
| --- | --- | --- | --- | --- |
"""


def trained(loss: str, seed: int) -> dict[str, Any]:
    """What `train --json` says."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bpcli", "train", str(CONFIG), "--json", "-q"]
        command += ["-o", f"{folder}/run", "--seed", str(seed)]
        if loss != "idec":
            command += ["--set", f"loss={{{loss}: {{k: 10, pretrain: 100}}}}"]
        done = subprocess.run(command, capture_output=True, check=True)
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def scores(seed: int) -> dict[str, Scores]:
    """The scores of each way to cluster, and the seconds of the deep ones."""
    found = {loss: trained(loss, seed) for loss in LOSSES}
    plain = found["idec"]["plain"]
    return {
        "columns": plain[ON_COLUMNS]["train"],
        "latent": plain[ON_EMBEDDING]["train"],
        **{loss: {**one["metrics"]["train"], "s": one["seconds"]} for loss, one in found.items()},
    }


def line(title: str, cells: list[str]) -> str:
    """A line of the table."""
    text = f"| {title} | {' | '.join(cells)} |"
    print(text, flush=True)
    return text


def verdict(loss: str, every: list[dict[str, Scores]]) -> str:
    """Whether a deep loss beats K-means on the columns, seed by seed."""
    lead, ari = ([one[loss][n] - one["columns"][n] for one in every] for n in ("nmi", "ari"))
    won, seconds = sum(one > 0 for one in lead), max(one[loss]["s"] for one in every)
    beats = "beats" if won == len(every) else "does not always beat" if won else "never beats"
    return (
        f"`{loss}` {beats} K-means on the columns in NMI ({won} of {len(every)} seeds, by "
        f"{fmean(lead):+.3f} on average, standard deviation {stdev(lead):.3f}), in ARI with "
        f"{sum(one > 0 for one in ari)} of them. It trained {seconds:.0f} s at most, on a machine "
        "that was busy."
    )


def main() -> None:
    """Measure and write the page."""
    every, lines = [], []
    for seed in SEEDS:
        every.append(scores(seed))
        cells = [f"{one['nmi']:.3f}, {one['ari']:.3f}" for one in every[-1].values()]
        lines.append(line(str(seed), cells))
    means = [
        ", ".join(f"{fmean(one[way][name] for one in every):.3f}" for name in ("nmi", "ari"))
        for way in every[0]
    ]
    lines.append(line("mean", means))
    said = "\n\n".join(verdict(loss, every) for loss in LOSSES)
    cells = "Each cell is NMI, ARI: 1 is perfect, 0 is chance.\n\n"
    write_file(PAGE, HEAD + "\n".join(lines) + "\n\n" + cells + said + "\n")


if __name__ == "__main__":
    main()
