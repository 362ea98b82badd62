"""How good predictions are: numbers from targets and predictions, NumPy only."""

from bpcli.metrics import classification, multilabel, quantiles, regression

__all__ = ["classification", "multilabel", "quantiles", "regression"]
