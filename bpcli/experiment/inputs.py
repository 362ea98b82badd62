"""The first layers of a network: they follow from the columns, as the last from the target."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.data.features import Features
from bpcli.experiment.config import Config
from bpcli.nn.categories import CategoryDropout, Embedding
from bpcli.nn.layer import Layer


def input_layers(features: Features, config: Config) -> Iterator[Layer]:
    """Layers that train the unseen category of each column, and embed numbers and categories; or
    the one that makes an image of a row.

    Without a target there are none: distances and reconstructions are those of the inputs.
    """
    if config.is_unsupervised:
        return
    layout, spec = features.layout, config.preprocess
    if layout.categorical:
        widths = tuple(len(column.inputs) for column in layout.categorical)
        yield CategoryDropout(widths=widths, rate=spec.categorical.unseen)
    if spec.numeric_embedding and layout.scaled:
        yield spec.numeric_embedding.fitted(features.bins)
    if layout.coded:
        sizes = [column.vectors for column in layout.coded]
        yield Embedding(tables=tuple((n, spec.categorical.width_of(n - 1)) for n in sizes))
    if config.input:
        yield config.input.layer
