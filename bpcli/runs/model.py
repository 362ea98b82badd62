"""The model file: everything that predict needs, and nothing that can run."""

from __future__ import annotations

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
from bpcli.experiment.config import Layers, Task
from bpcli.experiment.conformal import Conformal, ConformalSpec
from bpcli.experiment.finish import Assurance
from bpcli.experiment.predictor import Predictor
from bpcli.nn.losses.loss import Loss
from bpcli.nn.network import Network
from bpcli.runs.folder import run_of
from bpcli.runs.header import damaged
from bpcli.runs.source import read_model_bytes
from bpcli.runs.tensorfile import Tensors, pack, unpack

FORMAT = 1  # what this bpcli writes and reads


class ModelRecord(Spec):
    """What the model file says beside its tensors."""

    format: Literal[1] = 1
    bpcli: str
    run: str  # id shared by the files of a run
    task: Task
    target: AnyTarget
    ids: Annotated[tuple[str, ...], Field(strict=False)]  # copied into predictions
    features: FeatureLayout
    layers: Layers  # with the output layer
    loss: Loss
    calibration: Calibration
    conformal: ConformalSpec | None
    dtype: Literal["float32", "float64"]
    replicas: Annotated[int, Field(ge=1)]
    threads: int
    config: dict[str, Any]  # resolved, without the folder of the data
    data_sha256: str
    environment: dict[str, Any]


def model_bytes(record: ModelRecord, predictor: Predictor, assurance: Assurance) -> bytes:
    """The model as one file: the same model gives the same bytes."""
    fitted = {**predictor.features.fitted, **predictor.target_fitted}
    fitted |= {f"calibration.{name}": one for name, one in assurance.calibration.fitted.items()}
    if assurance.conformal is not None:
        fitted["conformal.scores"] = assurance.conformal.scores
    weights = {
        slot.key: predictor.flat[:, slot.start : slot.stop].reshape(-1, *slot.parameter.shape)
        for slot in predictor.network.slots
    }
    return pack(record.model_dump(mode="json"), {**fitted, **weights})


def read_model(path: Path) -> tuple[ModelRecord, Predictor, Assurance]:
    """The model in a run folder or a model file.  Raises ModelError for any changed byte."""
    content, name = read_model_bytes(path)
    raw, tensors = unpack(content, name)
    record = _record(raw, name)
    if path.is_dir():
        require_run(record.run, path, name)
    return record, _predictor(record, tensors, name), _assurance(record, tensors, name)


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


def _predictor(record: ModelRecord, tensors: dict[str, Any], name: str) -> Predictor:
    try:
        network = Network(record.layers, (len(record.features.names),))
        outputs = record.loss.outputs(record.target.width)
    except ValueError as error:
        raise damaged(name, str(error)) from None
    if record.loss.predicts != record.target.kind:
        raise damaged(name, f"its loss {record.loss.name} does not predict its target")
    if network.out_shape != (outputs,):
        raise damaged(name, "its network does not give what its target needs")
    feature_shapes, target_shapes = record.features.tensor_shapes(), record.target.tensor_shapes()
    shapes = {**feature_shapes, **target_shapes, **_assurance_shapes(record)}
    _check_tensors(record, network, shapes, tensors, name)
    flat = np.empty((record.replicas, network.size), record.dtype)
    for slot in network.slots:
        flat[:, slot.start : slot.stop] = tensors[slot.key].reshape(len(flat), -1)
    return Predictor(
        Features(record.features, {key: tensors[key] for key in feature_shapes}),
        record.target,
        {key: tensors[key] for key in target_shapes},
        network,
        record.loss,
        flat,
    )


def _assurance(record: ModelRecord, tensors: Tensors, name: str) -> Assurance:
    """What was fitted on rows held out, from tensors whose shapes are checked already."""
    method, spec = record.calibration, record.conformal
    if any((tensors[f"calibration.{key}"] <= 0).any() for key in method.tensors()):
        raise damaged(name, "its calibration is not made of numbers above 0")
    if spec is not None and (np.diff(tensors["conformal.scores"], axis=0) < 0).any():
        raise damaged(name, "the scores of its intervals do not rise")
    return Assurance(
        record.target,
        record.loss,
        Calibrated(method, {key: tensors[f"calibration.{key}"] for key in method.tensors()}),
        None if spec is None else Conformal(spec, tensors["conformal.scores"]),
    )


def _assurance_shapes(record: ModelRecord) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors that probabilities and intervals are made by."""
    shapes: dict[str, tuple[int, ...]] = {
        f"calibration.{key}": (1,) for key in record.calibration.tensors()
    }
    if record.conformal is not None:
        columns = record.target.width if record.target.kind == "numbers" else 1
        shapes["conformal.scores"] = (record.conformal.kept, columns)
    return shapes


def _check_tensors(
    record: ModelRecord,
    network: Network,
    fitted: dict[str, tuple[int, ...]],
    tensors: Tensors,
    name: str,
) -> None:
    """Names, shapes and types are those that the record implies."""
    weights = {slot.key: (record.replicas, *slot.parameter.shape) for slot in network.slots}
    expected = {key: (shape, "float64") for key, shape in fitted.items()}
    expected |= {key: (shape, record.dtype) for key, shape in weights.items()}
    found = {key: (tensor.shape, tensor.dtype.name) for key, tensor in tensors.items()}
    if found != expected:
        wrong = sorted(
            key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)
        )
        raise damaged(name, f"its tensors do not fit its network: {', '.join(wrong[:5])}")
