"""How good predictions are: numbers from targets and predictions, NumPy only."""

from bpcli.metrics import classification, regression

__all__ = ["classification", "regression"]
