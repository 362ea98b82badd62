"""Losses, by the kind of target.  Importing this package registers them all."""

from bpcli.nn.losses import binary, classes, clusters, members, numbers

__all__ = ["binary", "classes", "clusters", "members", "numbers"]
