"""Whether one class is so frequent that answering it always looks good."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.config.errors import Notice
from bpcli.data.split import TRAIN
from bpcli.data.targets.classes import ClassTarget
from bpcli.experiment.problem import LearningProblem

RATIO = 4  # of the most frequent class to the rarest


def imbalance(problem: LearningProblem) -> Iterator[Notice]:
    """What to look at where classes are imbalanced, and what there is against it."""
    prepared, config = problem.prepared, problem.config
    target = prepared.target
    if not isinstance(target, ClassTarget):
        return
    codes = target.truth(prepared.table)[prepared.rows(TRAIN)]
    counts = np.bincount(codes, minlength=target.width)
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] < RATIO * counts[least]:
        return
    name = [repr(word[:80]) for word in target.classes]
    what = (
        f"the classes are imbalanced: {counts[most]:,} of {len(codes):,} training rows are "
        f"{name[most]}, {counts[least]:,} are {name[least]}; always answering {name[most]} is "
        f"right in {100 * counts[most] / len(codes):.0f} % of them"
    )
    answers = [] if config.class_weight else ["class_weight: balanced"]
    if target.width == 2 and config.decision is None:
        answers.append("decision: {maximize: f1}")
    look = "look at pr_auc and balanced_accuracy rather than accuracy"
    more = f"; {' or '.join(answers)} answers {name[least]} more often" if answers else ""
    yield Notice("BP-D147", f"target {target.name!r}", what, look + more)
