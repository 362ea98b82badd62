"""Clusters that cannot be found, and keys that mean nothing without a target."""

from __future__ import annotations

from bad_inputs.case import CONFIG, TABLE, Case, model

CLUSTERS = "data: {path: t.csv}\ntask: clustering\nloss: {kmeans: 2}\nepochs: 2\n"


def given(text: str, table: str = TABLE) -> dict[str, str]:
    return {"c.yaml": text, "t.csv": table}


CASES = [
    Case(
        "a target of clusters",
        "BP-D190",
        4,
        ("t.csv", "clustering has no target", "data.label"),
        files=given(CLUSTERS.replace("t.csv", "t.csv, target: y")),
    ),
    Case(
        "a label beside a target",
        "BP-D191",
        4,
        ("'b'", "data.target", "task: clustering"),
        files=given(CONFIG.replace("target: y", "target: y, label: b")),
    ),
    Case(
        "a label that is an input",
        "BP-D192",
        4,
        ("'b'", "categorical", "data.columns"),
        files=given(CLUSTERS.replace("t.csv", "t.csv, label: b, columns: {b: categorical}")),
    ),
    Case(
        "a label that is not there",
        "BP-D020",
        4,
        ("label column 'z'",),
        files=given(CLUSTERS.replace("t.csv", "t.csv, label: z")),
    ),
    Case(
        "more clusters than rows",
        "BP-D193",
        4,
        ("21 clusters", "20 training rows", "k"),
        files=given(CLUSTERS.replace("kmeans: 2", "kmeans: 21")),
    ),
    Case(
        "probabilities of clusters",
        "BP-C170",
        3,
        ("calibration", "class_weight", "split.validation", "without a target"),
        files=given(
            CLUSTERS + "calibration: temperature\nclass_weight: balanced\n"
            "split: {validation: 0.2}\n"
        ),
    ),
    Case(
        "a rate to be found without a target",
        "BP-C170",
        3,
        ("learning_rate", "auto", "0.1"),
        files=given(CLUSTERS + "learning_rate: auto\n"),
    ),
    Case(
        "layers in which all rows become one",
        "BP-C171",
        3,
        ("network", "one point", "remove network"),
        files=given(CLUSTERS + "network: [{dense: 3}]\n"),
    ),
    Case(
        "categories that are codes",
        "BP-C172",
        3,
        ("'b'", "one_hot"),
        files=given(CLUSTERS + "preprocess: {categorical: {one_hot: 1}}\n"),
    ),
    Case(
        "a loss of numbers for clusters",
        "BP-C052",
        3,
        ("mse is for numbers", "clustering", "kmeans"),
        files=given(CLUSTERS.replace("{kmeans: 2}", "mse")),
    ),
    Case(
        "a loss of clusters for numbers",
        "BP-C052",
        3,
        ("kmeans is for clusters", "regression"),
        files=given(CONFIG + "task: regression\nloss: {kmeans: 2}\n"),
    ),
    Case(
        "several runs with a target",
        "BP-C173",
        3,
        ("runs", "ensemble"),
        files=given(CONFIG + "runs: 3\n"),
    ),
    Case(
        "centres for a network",
        "BP-C174",
        3,
        ("lloyd", "kmeans"),
        files=given(CONFIG + "optimizer: lloyd\n"),
    ),
    Case(
        "a cross-validation of clusters",
        "BP-S020",
        3,
        ("clustering", "no target", "k: auto"),
        "cv c.yaml -j 1",
        given(CLUSTERS),
    ),
    Case(
        "an audit of what tells a target, without one",
        "BP-S020",
        3,
        ("clustering", "no target"),
        "check c.yaml",
        given(CLUSTERS),
    ),
    Case(
        "a row through a clustering",
        "BP-S020",
        3,
        ("clustering", "no target"),
        "trace c.yaml --row 1",
        given(CLUSTERS),
    ),
    Case(
        "reasons for a cluster",
        "BP-E020",
        5,
        ("centres",),
        "explain run t.csv",
        {"run/model.safetensors": lambda: model(CLUSTERS)},
    ),
    Case(
        "a fewest number of clusters above the most",
        "BP-C040",
        3,
        ("lowest_k", "9", "4"),
        files=given(CLUSTERS.replace("2}", "{k: auto, lowest_k: 9, highest_k: 4}}")),
    ),
    Case(
        "an interval of a cluster",
        "BP-M031",
        5,
        ("a cluster is no number", "distances"),
        "predict run t.csv --interval 0.9",
        {"run/model.safetensors": lambda: model(CLUSTERS)},
    ),
]
