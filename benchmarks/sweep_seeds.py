"""What a sweep's choice is worth over many divisions of the rows, told apart from luck.

python benchmarks/sweep_seeds.py [--configs iris,wine,…] [--seeds 16]

On a hundred test rows the best of twelve rates is mostly the luckiest. So each seed divides the
rows anew, into test rows, which no sweep sees, and others; the yardstick is the rate with the best
mean test score over all seeds. A rate of the fixed grid is trained as `bpcli train` does it.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping
from pathlib import Path

from bpcli.data.split import TEST
from bpcli.experiment.fit import train_together
from bpcli.experiment.load import load
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.replicas import Lesson, Replica
from bpcli.experiment.scoring import score
from bpcli.runs.resolved import prepare_and_resolve
from bpcli.selection.search import RateSearch
from bpcli.selection.study import Study

CONFIGS = Path(__file__).parents[1] / "configs"
MANY = ("iris", "wine", "breast_cancer", "logistic_regression", "diabetes", "digits")
SEEDS = {**dict.fromkeys(MANY, 16), "softmax_regression": 8}


def trial(name: str, seed: int) -> tuple[RateSearch, dict[float, float]]:
    """A finished sweep, and the test score of every rate of its grid that did not diverge."""
    loaded = load(CONFIGS / f"{name}.yaml", ["threads=1", f"seed={seed}", "lr_sweep.extend=0"])
    prepared, config = prepare_and_resolve(loaded)
    search = RateSearch(Study({"": (prepared, config)}), config.lr_sweep)
    while groups := search.pending():
        for group in groups:
            search.take(search.work(group))
    problem = LearningProblem.of(config, prepared)
    lesson, rows = Lesson.of(problem), prepared.rows(TEST)
    truth, scores = prepared.target.truth(prepared.table)[rows], {}
    for replica in [Replica(lesson, rate) for rate in search.grid]:
        train_together([replica])
        if not replica.failure:
            predicted = problem.predictor(replica.weights).predict_inputs(prepared.x[rows])
            value = score(problem.loss, truth, predicted)[search.study.metric.name]
            scores[replica.rate] = value
    return search, scores


def seeds_line(name: str, seeds: int) -> str:
    """One row of the table."""
    trials = [trial(name, seed) for seed in range(seeds)]
    metric = trials[0][0].study.metric
    chosen = [scores[search.choice.winner.rate] for search, scores in trials]
    whole = [rate for rate in trials[0][1] if all(rate in scores for _, scores in trials)]
    by_rate = {rate: [scores[rate] for _, scores in trials] for rate in whole}
    pick = max if metric.better == "higher" else min
    best = pick(by_rate, key=lambda rate: statistics.fmean(by_rate[rate]))
    own, yardstick = statistics.fmean(chosen), statistics.fmean(by_rate[best])
    error = statistics.stdev(by_rate[best]) / seeds**0.5
    behind = own - yardstick if pick is min else yardstick - own
    return (
        f"| {name} | {seeds} | {metric.name} | {own:.4f} | {best:g} "
        f"| {yardstick:.4f} ± {error:.4f} | {'yes' if behind <= error else 'no'} |"
    )


def seeds_lines(seeds: Mapping[str, int]) -> list[str]:
    """The table of what the chosen rate is worth over so many seeds of each config."""
    return [
        "The same over many seeds, each with other test rows and other folds: the mean test score",
        "of the rates chosen, and that of the one rate that is the best on average; ± is the",
        "standard error over the seeds.",
        "",
        "| config | seeds | metric | chosen rates | best rate | its test score | within |",
        "| --- | ---: | --- | ---: | ---: | ---: | --- |",
        *(seeds_line(name, count) for name, count in seeds.items()),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Judge the choices of sweeps over many seeds.")
    parser.add_argument("--configs", default=",".join(SEEDS), help="with commas")
    parser.add_argument("--seeds", type=int, help="of each config; default: 8 or 16")
    asked = parser.parse_args()
    names = asked.configs.split(",")
    print("\n".join(seeds_lines({name: asked.seeds or SEEDS[name] for name in names})))


if __name__ == "__main__":
    main()
