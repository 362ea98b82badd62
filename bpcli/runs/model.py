"""The model file: everything that predict needs, and nothing that can run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError

from bpcli.config.component import Spec
from bpcli.config.errors import ModelError, Problem
from bpcli.data.features import Features
from bpcli.data.layout import FeatureLayout
from bpcli.data.targets.make import AnyTarget
from bpcli.experiment.calibration import Calibrated, Calibration
from bpcli.experiment.config import Task
from bpcli.experiment.conformal import Conformal, ConformalSpec
from bpcli.experiment.predictor import Ensemble, Predictor
from bpcli.experiment.written_network import Layers
from bpcli.nn.losses.loss import Loss
from bpcli.nn.network import Network
from bpcli.runs.folder import run_of
from bpcli.runs.header import damaged
from bpcli.runs.source import read_model_bytes
from bpcli.runs.tensorfile import Tensors, pack, unpack

FORMAT = 1  # what this bpcli writes and reads
Forms = dict[str, tuple[tuple[int, ...], str]]  # shape and type of tensors


class MemberRecord(Spec):
    """A network that has preprocessing of its own, fitted on the rows that it was trained on."""

    features: FeatureLayout
    layers: Layers


class ModelRecord(Spec):
    """What the model file says beside its tensors."""

    format: Literal[1] = 1
    bpcli: str
    run: str  # id shared by the files of a run
    task: Task
    target: AnyTarget
    ids: Annotated[tuple[str, ...], Field(strict=False)]  # copied into predictions
    features: FeatureLayout  # also what the columns of a file are, and what is new in them
    layers: Layers  # with the output layer
    loss: Loss
    calibration: Calibration
    conformal: ConformalSpec | None
    dtype: Literal["float32", "float64"]
    replicas: Annotated[int, Field(ge=1)]  # networks with these features and layers
    members: Annotated[tuple[MemberRecord, ...], Field(strict=False)] = ()  # in their place
    threads: int
    config: dict[str, Any]  # resolved, without the folder of the data
    data_sha256: str
    environment: dict[str, Any]


def model_bytes(record: ModelRecord, ensemble: Ensemble) -> bytes:
    """The model as one file: the same model gives the same bytes."""
    tensors: dict[str, Any] = {**ensemble.features.fitted}
    tensors |= {f"calibration.{name}": one for name, one in ensemble.calibration.fitted.items()}
    if ensemble.conformal is not None:
        tensors["conformal.scores"] = ensemble.conformal.scores
    for prefix, part in zip(_prefixes(record), ensemble.parts, strict=True):
        own: dict[str, Any] = {**part.features.fitted, **part.target_fitted}
        for slot in part.network.slots:
            own[slot.key] = part.flat[:, slot.start : slot.stop].reshape(-1, *slot.parameter.shape)
        tensors |= {prefix + name: tensor for name, tensor in own.items()}
    return pack(record.model_dump(mode="json"), tensors)


def read_model(path: Path) -> tuple[ModelRecord, Ensemble]:
    """The model in a run folder or a model file.  Raises ModelError for any changed byte."""
    content, name = read_model_bytes(path)
    raw, tensors = unpack(content, name)
    record = _record(raw, name)
    if path.is_dir():
        require_run(record.run, path, name)
    return record, _ensemble(record, tensors, name)


def require_run(run: str, folder: Path, name: str) -> None:
    """Raises ModelError where a file is not of the run that its folder holds."""
    known = run_of(folder)
    if known not in (None, run):
        what = f"is of run {run}, its folder holds run {known}"
        fix = "put the files of one run together, or start again with --force"
        raise ModelError(Problem("BP-M011", name, what, fix))


def _record(raw: dict[str, Any], name: str) -> ModelRecord:
    if raw.get("format") != FORMAT:
        what = f"has format {raw.get('format')!r}; this bpcli reads format {FORMAT}"
        raise ModelError(Problem("BP-M003", name, what, "use the bpcli that wrote it"))
    try:
        return ModelRecord.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise damaged(name, f"its record is invalid at {where}: {first['msg']}") from None


def _prefixes(record: ModelRecord) -> list[str]:
    """What the tensors of each part of the model begin with."""
    return [f"members.{i}." for i in range(len(record.members))] or [""]


def _ensemble(record: ModelRecord, tensors: dict[str, Any], name: str) -> Ensemble:
    if record.members and record.replicas != len(record.members):
        raise damaged(name, f"it has {len(record.members)} members, not {record.replicas}")
    if record.loss.predicts != record.target.learned:
        raise damaged(name, f"its loss {record.loss.name} does not predict its target")
    own: Sequence[MemberRecord | ModelRecord] = record.members or (record,)
    replicas = record.replicas // len(own)
    networks = [_network(record, one.features, one.layers, name) for one in own]
    parts = list(zip(_prefixes(record), own, networks, strict=True))
    expected = _common_forms(record)
    for prefix, one, network in parts:
        forms = _forms(record, one.features, network, replicas)
        expected |= {prefix + key: form for key, form in forms.items()}
    _check_tensors(expected, tensors, name)
    _check_fitted(record, tensors, name)
    return Ensemble(
        tuple(
            _predictor(record, one.features, network, replicas, _under(prefix, tensors))
            for prefix, one, network in parts
        ),
        _features(record.features, tensors),
        record.target,
        Calibrated(
            record.calibration,
            {key: tensors[f"calibration.{key}"] for key in record.calibration.tensors()},
        ),
        _conformal(record.conformal, tensors),
    )


def _check_fitted(record: ModelRecord, tensors: Tensors, name: str) -> None:
    """What was fitted on rows held out can be what it says."""
    if any((tensors[f"calibration.{key}"] <= 0).any() for key in record.calibration.tensors()):
        raise damaged(name, "its calibration is not made of numbers above 0")
    scores = None if record.conformal is None else tensors["conformal.scores"]
    if scores is not None and (np.diff(scores, axis=0) < 0).any():
        raise damaged(name, "the scores of its intervals do not rise")


def _network(record: ModelRecord, features: FeatureLayout, layers: Layers, name: str) -> Network:
    try:
        network = Network(layers, (len(features.names),))
        outputs = record.loss.outputs(record.target.width or len(features.names))
    except ValueError as error:
        raise damaged(name, str(error)) from None
    if network.out_shape != (outputs,):
        raise damaged(name, "its network does not give what its target needs")
    return network


def _predictor(
    record: ModelRecord,
    features: FeatureLayout,
    network: Network,
    replicas: int,
    tensors: dict[str, Any],
) -> Predictor:
    flat = np.empty((replicas, network.size), record.dtype)
    for slot in network.slots:
        flat[:, slot.start : slot.stop] = tensors[slot.key].reshape(replicas, -1)
    return Predictor(
        _features(features, tensors),
        record.target,
        {key: tensors[key] for key in record.target.tensor_shapes()},
        network,
        record.loss,
        flat,
    )


def _features(layout: FeatureLayout, tensors: Tensors) -> Features:
    return Features(layout, {key: tensors[key] for key in layout.tensor_shapes()})


def _conformal(spec: ConformalSpec | None, tensors: Tensors) -> Conformal | None:
    return None if spec is None else Conformal(spec, tensors["conformal.scores"])


def _common_forms(record: ModelRecord) -> Forms:
    """Shape and type of the tensors that all parts share: what doubts, probabilities and intervals
    are made by."""
    shapes = dict(record.features.tensor_shapes())
    shapes |= {f"calibration.{key}": (1,) for key in record.calibration.tensors()}
    if record.conformal is not None:
        columns = record.target.width if record.target.kind == "numbers" else 1
        shapes["conformal.scores"] = (record.conformal.kept, columns)
    return {key: (shape, "float64") for key, shape in shapes.items()}


def _forms(record: ModelRecord, features: FeatureLayout, network: Network, replicas: int) -> Forms:
    """Shape and type of every tensor that a part of the model implies."""
    fitted = {**features.tensor_shapes(), **record.target.tensor_shapes()}
    weights = {slot.key: (replicas, *slot.parameter.shape) for slot in network.slots}
    forms: Forms = {key: (shape, "float64") for key, shape in fitted.items()}
    return forms | {key: (shape, record.dtype) for key, shape in weights.items()}


def _check_tensors(expected: Forms, tensors: Tensors, name: str) -> None:
    """Names, shapes and types are those that the record implies."""
    found = {key: (tensor.shape, tensor.dtype.name) for key, tensor in tensors.items()}
    if found != expected:
        wrong = sorted(
            key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)
        )
        raise damaged(name, f"its tensors do not fit its network: {', '.join(wrong[:5])}")


def _under(prefix: str, tensors: dict[str, Any]) -> dict[str, Any]:
    """The tensors of one part by the rest of their names."""
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
