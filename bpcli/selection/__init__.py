"""Choosing among trainings by cross-validation: folds, learning rates, estimates."""
