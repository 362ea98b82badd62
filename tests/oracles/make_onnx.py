"""Write onnx.json: the onnx package's own test cases.  python tests/oracles/make_onnx.py

Run by hand, in an environment with onnx; the tests only read the table. README.md describes it.
Each module of cases is imported by itself, which takes no time; all of them would take long.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.backend.test.case.node as node
from onnx import helper

# The cases of each module that say something about bpcli, without the prefix test_.
CASES = {
    "relu": ["relu"],
    "leakyrelu": ["leakyrelu", "leakyrelu_default"],
    "tanh": ["tanh"],
    "sigmoid": ["sigmoid"],
    "softplus": ["softplus"],
    "elu": ["elu", "elu_default"],
    "selu": ["selu_default"],
    "swish": ["swish"],
    "gelu": ["gelu_tanh_1", "gelu_tanh_2"],
    "mish": ["mish"],
    "softmax": ["softmax_example", "softmax_large_number", "softmax_default_axis"],
    "logsoftmax": ["logsoftmax_example_1", "logsoftmax_large_number", "logsoftmax_default_axis"],
    "layernormalization": ["layer_normalization_2d_axis1", "layer_normalization_3d_axis2_epsilon"],
    "batch_normalization": [
        "batchnorm_example",
        "batchnorm_epsilon",
        "batchnorm_example_training_mode",
        "batchnorm_epsilon_training_mode",
    ],
    "softmax_cross_entropy_loss": ["sce_none", "sce_sum", "sce_mean", "sce_mean_weight"],
    "gemm": ["gemm_default_vector_bias", "gemm_default_zero_bias"],
    "adam": ["adam"],
    "adagrad": ["adagrad"],
    "momentum": ["momentum", "nesterov_momentum"],
}
MOST = 200  # numbers of an array; elementwise cases with more keep some, evenly spaced


def main() -> None:
    table: dict[str, Any] = {"made_with": {"onnx": onnx.__version__}}
    for module, names in CASES.items():
        importlib.import_module(f"onnx.backend.test.case.node.{module}")
        found = {case.name.removeprefix("test_"): case for case in node._NodeTestCases}
        table |= {name: _case(found[name]) for name in names}
    lines = (f"{json.dumps(name)}:{_json(value)}" for name, value in table.items())
    path = Path(__file__).with_name("onnx.json")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _case(case: Any) -> dict[str, Any]:
    (operation,) = case.model.graph.node
    ((inputs, outputs),) = case.data_sets
    settings = {a.name: helper.get_attribute_value(a) for a in operation.attribute}
    return {
        "operation": operation.op_type,
        "settings": {key: _plain(value) for key, value in settings.items()},
        "inputs": [_lists(one) for one in inputs],
        "outputs": [_lists(one) for one in outputs],
    }


def _lists(array: Any) -> Any:
    array = np.asarray(array)
    if array.ndim == 1 and array.size > MOST:
        array = array[:: array.size // MOST]
    return _plain(array.tolist())


def _plain(value: Any) -> Any:
    """The shortest numbers that are the same in float32."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


if __name__ == "__main__":
    main()
