"""Configs that are missing, no YAML, or not what a config may say."""

from __future__ import annotations

import os
from functools import partial

from bad_inputs.case import CONFIG, TABLE, Case, made, unreadable

REST = "network: [{dense: 2}]\nepochs: 1\n"
DATA = "data: {path: t.csv, target: y}\n"
VALIDATE = "validate c.yaml"


def config(
    name: str,
    id: str,
    text: str | bytes,
    *says: str,
    command: str = "train c.yaml",
    rows: tuple[int, ...] = (),
) -> Case:
    """A config that is refused."""
    return Case(name, id, 3, says, command, {"c.yaml": text}, rows)


def network(name: str, id: str, layers: str, *says: str) -> Case:
    """A network that is refused."""
    return config(name, id, f"{DATA}network: {layers}\n", "c.yaml:2:", *says)


def key(name: str, id: str, line: str, *says: str) -> Case:
    """One line below a good config that is refused."""
    return config(name, id, CONFIG + line + "\n", "c.yaml:4:", *says)


def option(name: str, id: str, sets: str, *says: str) -> Case:
    """An assignment on the command line that is refused."""
    return Case(name, id, 3, ("--set", *says), f"train c.yaml --set {sets}")


FILES = [
    Case("no config", "BP-C001", 3, ("no.yaml", "No such file"), "train no.yaml", rows=(1,)),
    Case("no config to check", "BP-C001", 3, ("no.yaml",), "validate no.yaml", rows=(1,)),
    Case("a config of nearly this name", "BP-C001", 3, ("did you mean 'c.yaml'",), "train c.yml"),
    Case("a folder as config", "BP-C001", 3, ("regular file",), "train .", rows=(3,)),
    Case(
        "a device as config", "BP-C001", 3, ("/dev/zero", "regular"), "train /dev/zero", rows=(3,)
    ),
    Case(
        "a pipe as config",
        "BP-C001",
        3,
        ("pipe.yaml", "regular file"),
        "train pipe.yaml",
        rows=(3,),
        around=lambda folder: made(os.mkfifo, folder / "pipe.yaml"),
    ),
    Case(
        "a config without read permission",
        "BP-C001",
        3,
        ("c.yaml", "Permission denied"),
        rows=(2,),
        around=lambda folder: unreadable(folder / "c.yaml"),
    ),
    Case(
        "a link in a circle",
        "BP-C001",
        3,
        ("loop.yaml",),
        "train loop.yaml",
        around=lambda folder: made(partial(os.symlink, "loop.yaml"), folder / "loop.yaml"),
    ),
    Case(
        "a name with an escape",
        "BP-C001",
        3,
        (r"\x1b[31m.yaml",),
        "train '\x1b[31m.yaml'",
        rows=(82,),
    ),
    Case(
        "a name that is too long",
        "BP-C001",
        3,
        ("too long",),
        f"train {'x' * 256}.yaml",
        rows=(82,),
    ),
    Case(
        "a name with a line break", "BP-C001", 3, (r"a\nb.yaml",), "train 'a\nb.yaml'", rows=(82,)
    ),
    Case("a name with a leading dash", "BP-C001", 3, ("-c.yaml",), "train -- -c.yaml", rows=(82,)),
    config("a data file as config", "BP-C002", TABLE * 6000, "1,000,000", rows=(4,)),
    config(
        "a config that is not UTF-8", "BP-C003", b"data: {path: \xff.csv}\n", "c.yaml:1", "0xFF"
    ),
    config("a config in UTF-16", "BP-C003", CONFIG.encode("utf-16"), "UTF-8"),
    config("a config in cp1252", "BP-C003", "# Größe\n".encode("cp1252"), "c.yaml:1", "0xF6"),
    config("an empty config", "BP-C018", "", "empty", command=VALIDATE),
    config("a config of comments", "BP-C018", "# nothing\n\n", "empty"),
    config("a list as config", "BP-C019", "- a\n- b\n", "key: value"),
    config("a word as config", "BP-C019", "hello\n", "key: value"),
    config("a CSV as config", "BP-C019", TABLE, "key: value"),
]

SYNTAX = [
    config("a mapping that is not closed", "BP-C004", "data: {path: t.csv\n", ":1:7", rows=(5,)),
    config("a list that is not closed", "BP-C004", DATA + "network: [relu\n", ":2:10", rows=(5,)),
    config("a quote that is not closed", "BP-C004", 'data: {path: "t.csv}\n', ":1:14", rows=(5,)),
    config("a tab as indent", "BP-C004", "data:\n\tpath: t.csv\n", ":2:1", "tab", rows=(5,)),
    config("no space behind a colon", "BP-C004", "data: {path: t.csv}\nseed:1\n", ":2:1", "space"),
    config("two keys on a line", "BP-C004", "data: path: t.csv\n", ":1:11"),
    config(
        "an indent of its own", "BP-C004", DATA + "stop:\n  threshold: 1\n   patience: 2\n", ":4:"
    ),
    config("an escape that is none", "BP-C004", 'data: {path: "\\q"}\n', ":1:", "escape"),
    config("a sign that starts nothing", "BP-C004", "data: @t.csv\n", ":1:7", "quotes"),
    config("brackets 40,000 deep", "BP-C010", "[" * 40_000, "32 levels", rows=(6,)),
    config("layers 40 deep", "BP-C010", DATA + "network: " + "[{residual: " * 40, "32", rows=(6,)),
    config("a control character", "BP-C005", "data: {path: \x1b[31m}\n", ":1:14", "U+001B"),
    config("a NUL", "BP-C005", "data: \0\n", ":1:7", "U+0000"),
    config("a directive", "BP-C006", "%YAML 1.1\n---\n" + CONFIG, ":1:1"),
    config("two documents", "BP-C007", CONFIG + "---\n" + CONFIG, ":4:", "second document"),
    config("an anchor twice", "BP-C008", "a: &x 1\nb: &x 2\n", ":2:4", "&x"),
    config("an alias of nothing", "BP-C011", "data: *x\n", ":1:7", "*x"),
    config("an alias of itself", "BP-C010", "a: &a [*a]\n", "32", rows=(6,)),
    config(
        "an alias bomb",
        "BP-C009",
        "a0: &a0 [1, 1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 64)),
        "10,000",
        rows=(6,),
    ),
    config(
        "a merge bomb",
        "BP-C014",
        "a0: &a0 {k: 1}\n"
        + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 26)),
        "<<",
        rows=(6,),
    ),
    config("20,000 values", "BP-C009", f"a: [{'1, ' * 20_000}1]\n", "10,000", rows=(6,)),
    config("a number of 5,000 digits", "BP-C012", f"{DATA}seed: {'9' * 5000}\n", ":2:7", "64 bits"),
    config("a number beyond 64 bits", "BP-C012", DATA + "seed: 18446744073709551616\n", ":2:7"),
    config(
        "a number beyond floats", "BP-C012", DATA + "learning_rate: 1e999\n", ":2:16", "1.8e308"
    ),
    config("a list as key", "BP-C013", "? [a]\n: 1\n", ":1:3"),
    config("a merge key", "BP-C014", "a: &a {b: 1}\nc: {<<: *a}\n", ":2:5", "<<"),
    config("an empty key", "BP-C015", "null: 1\n", ":1:1"),
    config("a key twice", "BP-C016", CONFIG + "epochs: 2\n", ":4:1", "epochs", "line 3", rows=(8,)),
    config(
        "a Python tag",
        "BP-C017",
        "data: !!python/object/apply:os.system [touch canary]\n",
        ":1:7",
        "python",
        rows=(7,),
    ),
    config("a name tag", "BP-C017", "data: !!python/name:os.system\n", ":1:", rows=(7,)),
    config(
        "a Python tag on a key", "BP-C017", "!!python/object:canary.X data: 1\n", ":1:1", rows=(7,)
    ),
    config(
        "a tag of one's own", "BP-C017", DATA + "seed: !secret 1\n", ":2:7", "!secret", rows=(7,)
    ),
    config("a text tag", "BP-C017", DATA + "seed: !!str 1\n", ":2:7", "quotes"),
]

ENSEMBLES = [
    key("an ensemble of one", "BP-C033", "ensemble: 1", "ensemble", "at least 2"),
    key("an ensemble of very many", "BP-C033", "ensemble: 300", "ensemble", "at most 256"),
    key("one fold", "BP-C033", "ensemble: {folds: 1}", "ensemble.folds", "at least 2"),
    key(
        "a member without penalties",
        "BP-C033",
        "ensemble: {folds: 3, penalty_factors: [1, 0]}",
        "ensemble.penalty_factors.1",
        "a number above 0",
    ),
    key(
        "penalties of no member",
        "BP-C034",
        "ensemble: {folds: 3, penalty_factors: []}",
        "ensemble.penalty_factors",
        "1 or more items",
    ),
    key("an ensemble in words", "BP-C032", "ensemble: five", "ensemble", "whole number"),
    key("another kind of ensemble", "BP-C031", "ensemble: {fold: 5}", "did you mean 'folds'"),
]

KEYS = [
    config("no data", "BP-C030", REST, "'data' is missing", command=VALIDATE),
    config(
        "an unknown key",
        "BP-C031",
        DATA + "netwrok: []\n",
        ":2:1",
        "netwrok",
        "did you mean 'network'",
        rows=(8,),
    ),
    config(
        "an unknown key of data",
        "BP-C031",
        "data: {pth: t.csv}\n",
        ":1:8",
        "did you mean 'path'",
        rows=(8,),
    ),
    key("an unknown field", "BP-C031", "optimizer: {adam: {beta3: 0.1}}", "beta3", "beta"),
    key("a key that names code", "BP-C031", "_target_: os.system", "_target_"),
    key(
        "Python code as a loss",
        "BP-C038",
        "loss: __import__('os').system('touch canary')",
        "known loss",
    ),
    key("a function of numpy as a loss", "BP-C038", "loss: numpy.load", "numpy.load"),
    key("an attribute as optimizer", "BP-C038", "optimizer: __class__", "known optimizer"),
    key("text for a number", "BP-C032", "ema: fast", "ema", "a number", "'fast'"),
    key("a number in quotes", "BP-C032", "seed: '1'", "seed", "whole number", "'1'"),
    key("a fraction for a count", "BP-C032", "seed: 1.5", "whole number", "1.5"),
    key("yes for true", "BP-C032", "stop: {restore_best: yes}", "true or false", "'yes'"),
    key("a list for a mapping", "BP-C032", "stop: [1]", "mapping"),
    key("a number that is too small", "BP-C033", "ema: -1", "above 0", "-1"),
    key("neither a rate nor auto", "BP-C039", "learning_rate: -1", "above 0 or 'auto'", "-1"),
    key("a number that is too large", "BP-C033", "ema: 2", "ema", "below 1"),
    key("a share above one", "BP-C033", "split: {test: 1.5}", "split.test", "below 1"),
    key("not a number", "BP-C033", "ema: .nan", "finite"),
    key("infinity", "BP-C033", "ema: .inf", "finite"),
    key("a word that is no choice", "BP-C035", "dtype: float16", "float32", "float64"),
    key(
        "a method that is none",
        "BP-C035",
        "split: {method: stratifed}",
        "did you mean 'stratified'",
    ),
    key("two components in one", "BP-C036", "loss: {mse: 1, mae: 2}", "one loss"),
    key("settings for what has none", "BP-C037", "loss: {mse: 2}", "just mse"),
    key("an unknown loss", "BP-C038", "loss: msee", "did you mean 'mse'"),
    key("an unknown optimizer", "BP-C038", "optimizer: adma", "did you mean 'adam'"),
    key("an unknown schedule", "BP-C038", "schedule: cosin", "did you mean 'cosine'"),
    key("none of several forms", "BP-C039", "batch_size: all", "'full'", "whole number"),
    key("a batch of nothing", "BP-C039", "batch_size: 0", "batch_size"),
    config("iterations and epochs", "BP-C040", CONFIG + "iterations: 5\n", "iterations or epochs"),
    key("shares that leave nothing", "BP-C040", "split: {validation: 0.5, test: 0.5}", "below 1"),
    config(
        "an unknown encoding",
        "BP-C040",
        "data: {path: t.csv, encoding: utf-99}\n",
        ":1:31",
        "utf-99",
    ),
    config(
        "an encoding that decodes code", "BP-C040", "data: {path: t.csv, encoding: zip}\n", "zip"
    ),
    config("neither path nor train", "BP-C040", "data: {target: y}\n", "path", "train"),
    config("path and train", "BP-C040", "data: {path: t.csv, train: t.csv}\n", "path and train"),
    config(
        "a date format that is none",
        "BP-C040",
        "data: {path: t.csv, columns: {a: {date: '%Q'}}}\n",
        "%Q",
    ),
    config("a long delimiter", "BP-C035", "data: {path: t.csv, delimiter: ', '}\n", "delimiter"),
    config(
        "an unknown role",
        "BP-C038",
        "data: {path: t.csv, columns: {a: numric}}\n",
        "did you mean 'numeric'",
    ),
    config(
        "ten mistakes",
        "BP-C031",
        "data: {pth: t.csv, target: 3}\nnetwork: [{dense: 0}, rleu, {dropout: 2}]\n"
        "loss: msee\noptimizer: {adam: {beta1: 1.5}}\nepochs: -3\nseed: x\nthreads: 0\n",
        *("pth", "data.target", "network.0.dense", "rleu", "network.2.dropout", "msee"),
        *("optimizer.adam.beta1", "epochs", "seed", "threads", "10 errors"),
        command=VALIDATE,
        rows=(9,),
    ),
    config(
        "a hundred unknown keys",
        "BP-C031",
        CONFIG + "".join(f"key{i}: 1\n" for i in range(100)),
        "and 80 more of this kind",
        "100 errors",
    ),
    config("a value of 9,000 letters", "BP-C032", f"{DATA}seed: {'x' * 9000}\n", ":2:7", "…"),
    config("a key of 9,000 letters", "BP-C031", f"{DATA}{'x' * 900}: 1\n", ":2:1"),
    key("an escape in a key", "BP-C031", '"\\e[31mred\\u202e": 1', r"\x1b[31mred\u202e"),
    key("markup in a key", "BP-C031", '"[red]x[/red]:smile:": 1', "[red]x[/red]:smile:"),
]

NETWORKS = [
    network("an unknown layer", "BP-C038", "[{dnese: 4}]", "network.0", "did you mean 'dense'"),
    network("a class of Python as layer", "BP-C038", "[{os.system: 4}]", "os.system"),
    network("no units", "BP-C033", "[{dense: 0}]", "network.0.dense", "at least 1"),
    network("a billion units", "BP-C033", "[{dense: 1000000000}]", "network.0.dense", "1000000"),
    network("text for units", "BP-C032", "[{dense: many}]", "whole number", "'many'"),
    network("a dropout of everything", "BP-C033", "[{dropout: 1}]", "network.0.dropout"),
    network("an empty residual block", "BP-C034", "[{residual: []}]", "1 or more"),
    network("a layer that is a number", "BP-C036", "[5]", "network.0", "one layer"),
    network("two layers in one item", "BP-C036", "[{dense: 4, relu: 1}]", "one layer"),
    network("a preset that is none", "BP-C038", "mpl", "did you mean 'mlp'"),
    network("a preset that is too deep", "BP-C033", "{mlp: {depth: 100}}", "at most 16"),
    network("an initializer that is none", "BP-C038", "[{dense: {units: 2, init: xavir}}]", "init"),
    network(
        "branches that cannot be added",
        "BP-C040",
        "[{parallel: {branches: [[{dense: 2}], [{dense: 3}]], join: add}}]",
        "c.yaml:2:10: network",
        "parallel",
        "(2,)",
        "(3,)",
    ),
    Case(
        "a branch that cannot be added to the inputs",
        "BP-C050",
        3,
        ("network", "parallel", "(5,), (3,)"),
        files={
            "c.yaml": DATA
            + "network: [{parallel: {branches: [[relu], [{dense: 3}]], join: add}}]\n"
        },
    ),
]

OPTIONS = [
    option("no equals sign", "BP-C020", "epochs", "path=value"),
    option("an assignment to nothing", "BP-C020", "=5", "path"),
    option("a path of 40 keys", "BP-C021", f"{'a.' * 40}a=1", "32"),
    option("an index that is not there", "BP-C022", "network.5.dense=2", "no item '5'"),
    option("a key below a number", "BP-C022", "epochs.x=2", "no key 'x'"),
    option("a value that is no YAML", "BP-C004", "'network=[a'", "network"),
    option("an unknown layer by option", "BP-C038", "network.0=rleu", "did you mean 'relu'"),
    option("a value out of range by option", "BP-C033", "epochs=0", "epochs", "at least 1"),
    option("a tag by option", "BP-C017", "'epochs=!!python/name:os.system 1'", "epochs"),
]

FITTING = [
    key(
        "patience without validation rows",
        "BP-C051",
        "split: {validation: 0}\nstop: {monitor: validation_loss}",
        "x",
    ),
    key(
        "a metric without validation rows",
        "BP-C054",
        "split: {validation: 0}\nstop: {target_metric: 1}",
        "x",
    ),
    key("class weights for a number", "BP-C055", "class_weight: balanced", "class_weight"),
    key("a loss for another task", "BP-C052", "loss: cross_entropy", "cross_entropy", "mse"),
    key(
        "lbfgs on mini-batches",
        "BP-C060",
        "optimizer: lbfgs\nbatch_size: 4",
        "lbfgs",
        "batch_size: full",
    ),
    key("rprop on mini-batches", "BP-C060", "optimizer: rprop\nbatch_size: 4", "rprop", "4 rows"),
    key(
        "a decay beside the loss of lbfgs",
        "BP-C061",
        "optimizer: lbfgs\nregularization: {weight_decay: 0.1}",
        "regularization.weight_decay",
        "l2",
    ),
    key("a temperature for numbers", "BP-C066", "calibration: temperature", "calibration"),
    key("a threshold for numbers", "BP-C064", "decision: {threshold: 0.3}", "decision"),
    config(
        "folds in the order of time",
        "BP-C063",
        CONFIG.replace("target: y", "target: y, time: a") + "ensemble: {folds: 3}\n",
        "ensemble.folds",
        "ensemble: 3",
    ),
    key(
        "a limit of time for an ensemble",
        "BP-C067",
        "ensemble: 2\nstop: {max_time: 9}",
        "stop.max_time",
        "epochs",
    ),
    key("a clipped gradient for lbfgs", "BP-C062", "optimizer: lbfgs\nclip: {norm: 1}", "clip"),
]
# These are only found when the data has been read, so they have no place in the config's text.
FITTING = [
    one._replace(says=tuple(word for word in one.says if word not in ("x", "c.yaml:4:")))
    for one in FITTING
]

CASES = [*FILES, *SYNTAX, *KEYS, *ENSEMBLES, *NETWORKS, *OPTIONS, *FITTING]
