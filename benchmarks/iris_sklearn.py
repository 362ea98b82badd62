"""What configs/iris.yaml does, as a scikit-learn script: read, split, scale, train, evaluate.

python benchmarks/iris_sklearn.py CSV EPOCHS
"""

from __future__ import annotations

import csv
import sys
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

with open(sys.argv[1], encoding="utf-8", newline="") as file:
    _, *rows = csv.reader(file)
x = np.array([row[:-1] for row in rows], float)
y = np.array([row[-1] for row in rows])

x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, stratify=y, random_state=0)
x, x_valid, y, y_valid = train_test_split(x, y, test_size=0.25, stratify=y, random_state=0)
scaler = StandardScaler().fit(x)
model = MLPClassifier(
    hidden_layer_sizes=(16, 16),
    activation="tanh",
    solver="adam",
    alpha=0,
    learning_rate_init=0.01,
    batch_size=16,
    max_iter=int(sys.argv[2]),
    tol=0,
    n_iter_no_change=10**9,
    random_state=0,
)
warnings.simplefilter("ignore", ConvergenceWarning)
model.fit(scaler.transform(x), y)
print(f"validation accuracy {model.score(scaler.transform(x_valid), y_valid):.4f}")
print(f"test accuracy       {model.score(scaler.transform(x_test), y_test):.4f}")
