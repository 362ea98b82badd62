"""Optimizers, by what they remember.  Importing this package registers them all."""

from bpcli.nn.optimizers import gradients, history, moments, signs, squares

__all__ = ["gradients", "history", "moments", "signs", "squares"]
