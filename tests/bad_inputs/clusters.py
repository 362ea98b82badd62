"""Clusters that cannot be found, and keys that mean nothing without a target."""

from __future__ import annotations

from bad_inputs.case import CONFIG, TABLE, Case, model

CLUSTERS = "data: {path: t.csv}\ntask: clustering\nloss: {kmeans: 2}\nepochs: 2\n"
DEEP = (
    "data: {path: t.csv}\ntask: clustering\nnetwork: [{dense: 3}, relu, {dense: 1}]\n"
    "loss: {idec: {k: 2, pretrain: 3}}\nepochs: 6\n"
)
LATENT = (
    "data: {path: t.csv}\ntask: autoencoder\nnetwork: [{dense: 3}, relu, {dense: 1}]\nepochs: 2\n"
)


def given(text: str, table: str = TABLE) -> dict[str, str]:
    return {"c.yaml": text, "t.csv": table}


CASES = [
    Case(
        "a target of clusters",
        "BP-D190",
        4,
        ("t.csv", "has none", "data.label"),
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
        ("learning_rate", "auto", "default"),
        files=given(CLUSTERS + "learning_rate: auto\n"),
    ),
    Case(
        "layers in which all rows become one",
        "BP-C171",
        3,
        ("network", "one point", "remove network", "idec"),
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
    Case(
        "deep clusters of a target",
        "BP-C052",
        3,
        ("idec is for clusters", "regression"),
        files=given(CONFIG + "task: regression\nloss: {idec: 2}\n"),
    ),
    Case(
        "no latent numbers",
        "BP-C033",
        3,
        ("network.2.dense", "1"),
        files=given(DEEP.replace("{dense: 1}", "{dense: 0}")),
    ),
    Case(
        "no clusters",
        "BP-C039",
        3,
        ("loss.idec.k",),
        files=given(DEEP.replace("k: 2", "k: 0")),
    ),
    Case(
        "a decoder beside a target",
        "BP-C175",
        3,
        ("decoder", "task: autoencoder"),
        files=given(CONFIG + "decoder: [{dense: 2}]\n"),
    ),
    Case(
        "a decoder of k-means",
        "BP-C175",
        3,
        ("decoder", "kmeans"),
        files=given(CLUSTERS + "decoder: [{dense: 2}]\n"),
    ),
    Case(
        "a network that cannot be mirrored",
        "BP-C176",
        3,
        ("parallel has no mirror image", "decoder: […]"),
        files=given(
            LATENT.replace("relu", "{parallel: [[{dense: 2}, tanh], [{dense: 2}]]}, {dense: 2}")
        ),
    ),
    Case(
        "a preset as an encoder",
        "BP-C177",
        3,
        ("network", "latent numbers", "{dense: 8}"),
        files=given(LATENT.replace("[{dense: 3}, relu, {dense: 1}]", "mlp")),
    ),
    Case(
        "an end before there are clusters",
        "BP-C178",
        3,
        ("6 epochs", "after 50", "pretrain"),
        files=given(DEEP.replace("pretrain: 3", "pretrain: 50")),
    ),
    Case(
        "an end that looks at a loss of two phases",
        "BP-C179",
        3,
        ("idec", "runs", "stop.patience", "tolerance"),
        files=given(DEEP + "runs: 3\nstop: {patience: 2}\n"),
    ),
    Case(
        "quantiles of what comes back",
        "BP-C053",
        3,
        ("quantile", "each input", "mse"),
        files=given(LATENT + "loss: quantile\n"),
    ),
    Case(
        "an ensemble of autoencoders",
        "BP-C170",
        3,
        ("ensemble", "without a target"),
        files=given(LATENT + "ensemble: 3\n"),
    ),
    Case(
        "several runs of an autoencoder",
        "BP-C173",
        3,
        ("runs",),
        files=given(LATENT + "runs: 3\n"),
    ),
    Case(
        "a target of an autoencoder",
        "BP-D190",
        4,
        ("data.target is y", "data.label"),
        files=given(LATENT.replace("t.csv", "t.csv, target: y")),
    ),
    Case(
        "an autoencoder of images",
        "BP-C069",
        3,
        ("input",),
        files=given(
            "data: {path: t.csv}\ntask: autoencoder\ninput: {image: {height: 1, width: 2}}\n"
        ),
    ),
    Case(
        "a loss of clusters for an autoencoder",
        "BP-C052",
        3,
        ("kmeans is for clusters", "autoencoder", "mse"),
        files=given(LATENT + "loss: {kmeans: 2}\n"),
    ),
    Case(
        "a cross-validation of an autoencoder",
        "BP-S020",
        3,
        ("autoencoder", "no target"),
        "cv c.yaml -j 1",
        given(LATENT),
    ),
    Case(
        "reasons for latent numbers",
        "BP-E020",
        5,
        ("reconstruction.csv",),
        "explain run t.csv",
        {"run/model.safetensors": lambda: model(LATENT)},
    ),
    Case(
        "an interval of latent numbers",
        "BP-M031",
        5,
        ("no target", "error"),
        "predict run t.csv --interval 0.9",
        {"run/model.safetensors": lambda: model(LATENT)},
    ),
]
