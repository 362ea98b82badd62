"""How many clusters there are: the number whose clusters stand apart, and come again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpcli.config.errors import Notice
from bpcli.data.prepare import Prepared
from bpcli.data.split import TRAIN
from bpcli.experiment.config import Config
from bpcli.experiment.kmeans import drawn_rows, kmeans, nearest
from bpcli.metrics.clusters import Clustered, Explained, Silhouette, rand_index, together
from bpcli.metrics.metric import Floats
from bpcli.nn.losses.clusters import Clustering
from bpcli.nn.random import Purpose, generator

MOST_ROWS = 5000
STARTS, SAMPLES, SHARE = 10, 10, 0.8
STABLE = 0.8  # mean ARI from which on a number of clusters is taken for stable


class Candidate(NamedTuple):
    """A number of clusters, and how good it is."""

    k: int
    explained: float
    silhouette: float
    stability: float  # mean ARI with the clusters of samples of the rows


class Choice(NamedTuple):
    """The number that is chosen, of all that were tried."""

    candidates: list[Candidate]
    k: int
    reason: str

    def notice(self) -> Notice:
        """What was chosen, and why."""
        return Notice("", "loss", f"k: auto is {self.k}: {self.reason}; k.csv has them all")


def with_number(config: Config, prepared: Prepared) -> tuple[Config, Choice | None]:
    """The config with a number of clusters, and how it was chosen where that was left open."""
    loss = config.loss
    if not isinstance(loss, Clustering) or loss.k != "auto":
        return config, None
    choice = choose(config, loss, prepared)
    return config.model_copy(update={"loss": loss.model_copy(update={"k": choice.k})}), choice


def choose(config: Config, loss: Clustering, prepared: Prepared) -> Choice:
    """Every number from `lowest_k` to `highest_k` on at most 5,000 training rows.

    Each is clustered by Lloyd from 10 starts, and on 10 samples of 80 % of the rows: stability is
    the mean adjusted Rand index, over all rows, of their clusters with those of the whole.  Ben-Hur
    et al. 2002, Pacific Symposium on Biocomputing 7:6
    """
    rng = generator(config.seed, Purpose.START)
    x = prepared.x[drawn_rows(prepared.rows(TRAIN), MOST_ROWS, rng)]
    size = max(1, int(SHARE * len(x)))
    parts = np.stack([x[np.sort(rng.permutation(len(x))[:size])] for _ in range(SAMPLES)])
    most = min(loss.highest_k, size, len(np.unique(x, axis=0)))
    tried = range(min(loss.lowest_k, most), most + 1)
    return chosen([_candidate(x, parts, k, config.seed) for k in tried])


def chosen(candidates: list[Candidate]) -> Choice:
    """The highest silhouette of the stable ones; without any the most stable one."""
    stable = [one for one in candidates if one.stability >= STABLE]
    if stable:
        best = max(stable, key=lambda one: one.silhouette)
        what = f"silhouette {best.silhouette:.3f}, the highest of those that are stable"
        return Choice(candidates, best.k, f"{what} (ARI {best.stability:.2f} over samples)")
    best = max(candidates, key=lambda one: one.stability)
    what = f"no number is stable (ARI of {STABLE} over samples); this one comes nearest"
    return Choice(candidates, best.k, f"{what} with {best.stability:.2f}")


def _candidate(x: Floats, parts: Floats, k: int, seed: int) -> Candidate:
    centres, losses = kmeans(x[None], k, seed, range(STARTS))
    rows = Clustered(x, nearest(x, centres[int(losses.argmin())]), np.full(len(x), -1))
    others, _ = kmeans(parts, k, seed, range(len(parts)))
    labels = [nearest(x, one).argmin(axis=1) for one in others]
    stability = np.mean([rand_index(together(rows.labels, other)) for other in labels])
    explained, silhouette = Explained().value(rows), Silhouette().value(rows)
    return Candidate(k, explained or 0.0, silhouette or 0.0, float(stability))
