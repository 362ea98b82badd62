"""How good predictions are: numbers from targets and predictions, NumPy only."""

from bpcli.metrics import classification, clusters, multilabel, quantiles, regression

__all__ = ["classification", "clusters", "multilabel", "quantiles", "regression"]
