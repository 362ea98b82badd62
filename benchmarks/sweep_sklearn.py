"""A learning-rate sweep as a scikit-learn script: python benchmarks/sweep_sklearn.py NAME

The same net, rates, folds, epochs and batches as `bpcli lr-sweep`, on two processes.
"""

from __future__ import annotations

import csv
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sweeps import SWEEPS

from bpcli.experiment.search import LrSweepSpec
from bpcli.selection.grid import rates_of

sweep = SWEEPS[sys.argv[1]]
path = Path(__file__).parents[1] / "data" / f"{sweep.name}.csv"
with path.open(encoding="utf-8", newline="") as file:
    header, *rows = csv.reader(file)
target = header.index(sweep.target)
x = np.array([[*row[:target], *row[target + 1 :]] for row in rows], float)
y = np.array([row[target] for row in rows])
x, _, y, _ = train_test_split(x, y, test_size=0.2, stratify=y, random_state=0)

net = MLPClassifier(
    hidden_layer_sizes=sweep.hidden,
    activation=sweep.activation,
    solver="adam",
    alpha=0,
    batch_size=16,
    max_iter=sweep.epochs,
    tol=0,
    n_iter_no_change=10**9,
    random_state=0,
)
search = GridSearchCV(
    make_pipeline(StandardScaler(), net),
    {"mlpclassifier__learning_rate_init": list(rates_of(LrSweepSpec()))},
    cv=StratifiedKFold(5, shuffle=True, random_state=0),
    n_jobs=2,
)
warnings.simplefilter("ignore", ConvergenceWarning)
search.fit(x, y)
print(search.best_params_, search.best_score_)
