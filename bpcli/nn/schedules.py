"""Schedules: the factor on the learning rate at each iteration."""

from __future__ import annotations

import math
from typing import ClassVar

from bpcli.config.component import Component


class Schedule(Component):
    """rate(t) = learning_rate · factor(t, T), t = 0 … T−1 counted in iterations."""

    family: ClassVar[str] = "schedule"

    def factor(self, t: int, total: int) -> float:
        """The factor for the update number `t` (from 0) of `total`."""
        raise NotImplementedError


class Constant(Schedule):
    """factor = 1."""

    name: ClassVar[str] = "constant"

    def factor(self, t: int, total: int) -> float:
        return 1.0


class Cosine(Schedule):
    """factor = ½ (1 + cos(π t / T)): from 1 down to 0.  Loshchilov & Hutter, arXiv:1608.03983"""

    name: ClassVar[str] = "cosine"

    def factor(self, t: int, total: int) -> float:
        return 0.5 * (1 + math.cos(math.pi * t / total))
