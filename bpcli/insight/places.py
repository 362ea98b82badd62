"""Where the layers of a network stand, those inside others included, and what to call them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bpcli.nn.layer import Layer, Plan, Shape
from bpcli.nn.network import Network

Path = tuple[int, ...]  # as in `Slot.path`: (layer,), or (layer, chain, layer, …)


class Place(NamedTuple):
    """A layer and its place: `3`, `3.1` inside layer 3, `3b.1` in its second branch."""

    path: Path
    layer: Layer
    plan: Plan
    number: str

    @property
    def depth(self) -> int:
        """How many layers it is inside of."""
        return len(self.path) // 2

    def __str__(self) -> str:
        return f"layer {self.number} ({self.layer.name})"


def places(network: Network) -> list[Place]:
    """Every layer, each before those inside it: the order of `s.index` in a scratch."""
    return list(_places(network.layers, network.plans, network.in_shape, (), ""))


def _places(
    layers: Sequence[Layer], plans: Sequence[Plan], shape: Shape, path: Path, prefix: str
) -> Iterator[Place]:
    for index, (layer, plan) in enumerate(zip(layers, plans, strict=True)):
        place = Place((*path, index), layer, plan, f"{prefix}{index + 1}")
        yield place
        chains = layer.chains(shape)
        for chain, (inside, their_plans) in enumerate(zip(chains, plan.inner, strict=True)):
            branch = chr(ord("a") + chain) if sum(map(bool, chains)) > 1 else ""
            within = f"{place.number}{branch}."
            yield from _places(inside, their_plans, shape, (*place.path, chain), within)
        shape = plan.out_shape
