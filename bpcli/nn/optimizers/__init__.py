"""Optimizers, by what they remember.  Importing this package registers them all."""

from bpcli.nn.optimizers import gradients, moments, signs, squares

__all__ = ["gradients", "moments", "signs", "squares"]
