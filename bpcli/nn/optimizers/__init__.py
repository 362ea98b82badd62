"""Optimizers, by what they remember.  Importing this package registers them all."""

from bpcli.nn.optimizers import centres, gradients, history, moments, signs, squares

__all__ = ["centres", "gradients", "history", "moments", "signs", "squares"]
