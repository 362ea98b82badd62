"""Model files: the same bytes for the same model, and any changed byte is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from running import ROOT, bpcli, train

from bpcli.config.errors import ModelError
from bpcli.runs.model import read_model
from bpcli.runs.tensorfile import pack, unpack

RECORD = {"name": "näme", "numbers": [1.5e16, 0.1, -0.0, 5e-324], "none": None}
TENSORS = {
    "b": np.array([[1.5, -0.0, 5e-324]]),
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "empty": np.zeros((0, 4)),
}


def test_round_trip() -> None:
    content = pack(RECORD, TENSORS)
    record, tensors = unpack(content, "m")
    assert record == RECORD
    assert {n: (t.dtype, t.shape, t.tobytes()) for n, t in tensors.items()} == {
        n: (t.dtype, t.shape, t.tobytes()) for n, t in TENSORS.items()
    }
    assert pack(record, tensors) == content
    assert pack(RECORD, dict(reversed(TENSORS.items()))) == content


def test_safetensors_reads_it() -> None:
    tensors = safetensors.numpy.load(pack(RECORD, TENSORS))
    assert set(tensors) == set(TENSORS)


def test_every_flipped_bit_is_refused() -> None:
    content = pack(RECORD, TENSORS)
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ModelError):
            unpack(bytes(changed), "m")


def test_every_truncation_and_extension_is_refused() -> None:
    content = pack(RECORD, TENSORS)
    for end in range(len(content)):
        with pytest.raises(ModelError):
            unpack(content[:end], "m")
    with pytest.raises(ModelError):
        unpack(content + b"\0", "m")


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_our_own_error(content: bytes) -> None:
    with pytest.raises(ModelError):
        unpack(content, "m")
    with pytest.raises(ModelError):
        unpack(len(content).to_bytes(8, "little") + content, "m")


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ModelError, match="finite"):
        unpack(pack({}, {"a": np.array([np.nan])}), "m")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    train(ROOT / "configs" / "iris.yaml", "-o", "run", cwd=folder)
    return folder / "run" / "model.safetensors"


def resealed(model: Path, change: dict[str, object], drop: str = "") -> bytes:
    """The model with another record, as a hostile author could write it, checksum included."""
    record, tensors = unpack(model.read_bytes(), "m")
    return pack(record | change, {name: t for name, t in tensors.items() if name != drop})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "format 2"),
        ({"layers": [{"dense": 10**9}]}, "layers"),
        ({"layers": [{"dense": 5}, "tanh", {"dense": 3}]}, "tensors do not fit"),
        ({"layers": ["os.system"]}, "layers"),
        ({"replicas": 1_000_000}, "tensors do not fit"),
        ({"code": "import os"}, "code"),
        ({"task": 3}, "task"),
    ],
)
def test_a_record_that_does_not_fit_is_refused(
    model: Path, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(resealed(model, change))
    with pytest.raises(ModelError, match=said):
        read_model(path)


def test_a_missing_tensor_is_named(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "torn.safetensors"
    path.write_bytes(resealed(model, {}, drop="layers.0.W"))
    with pytest.raises(ModelError, match=r"layers\.0\.W"):
        read_model(path)


def test_the_file_says_what_it_holds_and_no_rows(model: Path) -> None:
    record, tensors = unpack(model.read_bytes(), "m")
    assert record["target"]["classes"] == ["setosa", "versicolor", "virginica"]
    assert set(tensors) == {
        *("feature.impute", "feature.mean", "feature.scale"),
        *("feature.lowest", "feature.highest", "feature.deviation"),
        *("calibration.temperature", "calibration.mix", "conformal.scores"),
        *(f"layers.{i}.{name}" for i in (0, 2, 4) for name in "Wb"),
    }
    assert str(ROOT) not in json.dumps(record)


def test_a_damaged_model_ends_in_exit_code_5(model: Path, tmp_path: Path) -> None:
    content = bytearray(model.read_bytes())
    content[-5] ^= 1
    (tmp_path / "m.safetensors").write_bytes(content)
    done = bpcli("predict", "m.safetensors", ROOT / "data" / "iris.csv", cwd=tmp_path, code=5)
    assert "checksum" in done.stderr
