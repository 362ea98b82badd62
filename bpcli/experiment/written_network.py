"""The key `network`: layers that fit each other, or a preset."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag, ValidationInfo
from pydantic_core import PydanticCustomError

from bpcli.experiment.presets import Preset
from bpcli.nn.chain import plan_chain
from bpcli.nn.layer import Layer, Shape

_INPUTS = 7919, 104_729  # two numbers of inputs that no network is made for


def _network_form(value: Any) -> str:
    return "layers" if isinstance(value, list | tuple) else "preset"


def _require_fit(layers: tuple[Layer, ...], info: ValidationInfo) -> tuple[Layer, ...]:
    """Each layer fits the one before, as far as that can be said before the data are read.

    The same complaint for two numbers of inputs is not about the inputs.
    """
    shapes = [(inputs,) for inputs in _INPUTS]
    if given := info.data.get("input"):
        shapes = [given.shape]
    complaint, *others = {_complaint(layers, shape) for shape in shapes}
    if complaint and not others:
        raise PydanticCustomError("invalid_value", "{complaint}", {"complaint": complaint})
    return layers


def _complaint(layers: tuple[Layer, ...], shape: Shape) -> str:
    try:
        list(plan_chain(layers, shape))
    except ValueError as error:
        return str(error)
    return ""


Layers = Annotated[tuple[Layer, ...], Field(strict=False), AfterValidator(_require_fit)]


def _require_images(preset: Preset, info: ValidationInfo) -> Preset:
    """A preset for images has some."""
    if preset.images and not info.data.get("input"):
        what = (
            f"{preset.name} is a network for images; say input: {{image: {{height: …, width: …}}}}"
        )
        raise PydanticCustomError("invalid_value", "{complaint}", {"complaint": what})
    return preset


Network = Annotated[
    Annotated[Layers, Tag("layers")]
    | Annotated[Preset, AfterValidator(_require_images), Tag("preset")],
    Discriminator(_network_form),
]
