"""Results as tables and curves, at every width and in every encoding."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from bpcli.display.certainty import certainty, coverage
from bpcli.display.closing import RunSummary, closing, equation, means, model
from bpcli.display.plots import loss_curve, sparkline
from bpcli.display.tables import (
    columns_table,
    components_table,
    confusion_table,
    layers_table,
    metrics_table,
    scores_table,
)
from bpcli.experiment.assessment import Assessment
from bpcli.experiment.certainty import Certainty, Coverage, Cut, Probabilities
from bpcli.experiment.coefficients import Equations
from bpcli.experiment.stopping import Record
from bpcli.runs.results import Member

HOSTILE = "\x1b[2J[/] [a] :smile:\x9b\u202e"
LITERAL = r"\x1b[2J[/] [a] :smile:\x9b\u202e"
RUN = RunSummary(
    folder="runs/my iris-1",
    metrics={
        "train": {"accuracy": 0.98123, "rmse": 1234.5},
        "validation": {"accuracy": 0.9667, "rmse": 1300.2},
        "test": {"accuracy": 0.9333},
        "linear": {"accuracy": 0.9},
    },
    baseline={"accuracy": 1 / 3},
    baseline_predicts="always 'setosa'",
    equations=None,
    held_out="test",
    details=Assessment(
        rows=1234,
        resamples=500,
        intervals={"accuracy": (0.9, 0.95)},
        over_linear={"accuracy": (-0.01, 0.05)},
        parts={"by_class": {"a": {"f1": 1.0, "support": 1000}, "b": {"f1": None, "support": 234}}},
        confusion=[[1000, 0], [34, 200]],
    ),
    certainty=Certainty(
        Probabilities(
            method="temperature",
            set="validation",
            rows=120,
            why_not="",
            fitted={"temperature": 1.5, "mix": 0.1},
            before={"train": {"log_loss": 0.1}, "test": {"log_loss": 0.4, "ece": 0.2}},
            after={"train": {"log_loss": 0.2}, "test": {"log_loss": 0.3, "ece": 0.1}},
        ),
        Cut("b", 0.25, "f1", "validation", 120, {"test": 0.5}, {"test": 0.6}),
        Coverage(0.9, "validation", 120, ("epoch", "temperature"), (0.7,), 0.91, 1.1),
    ),
    members=[Member("training loss below 0.05", 280, 300, {})],
    iterations=2400,
    records=[
        Record(epoch, 8 * epoch, 0.1, 1 / epoch, 1 / epoch + 0.1, None, 1.0, 83.2)
        for epoch in range(1, 301)
    ],
)


class AsciiFile(io.StringIO):
    encoding = "ascii"


def rendered(renderable, width=80, file=None):
    console = Console(file=file or io.StringIO(), width=width, _environ={})
    console.print(renderable)
    lines = console.file.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    return "\n".join(line.rstrip() for line in lines)


def test_metrics_table():
    assert rendered(metrics_table(RUN.metrics, RUN.baseline)) == (
        "              train  validation    test  linear  baseline\n"
        "accuracy     0.9812      0.9667  0.9333  0.9000    0.3333\n"
        "rmse      1234        1300       –       –         –"
    )


def test_intervals_stand_behind_their_data_set():
    intervals = "test", {"accuracy": (0.1, 1.0), "r2": (-1234.0, 0.5)}
    table = metrics_table({"test": {"accuracy": 0.9, "r2": 0.1, "mae": 2.0}}, {}, intervals)
    assert rendered(table) == (
        "            test    95 % interval\n"
        "accuracy  0.9000  0.1000 … 1.000\n"
        "r2        0.1000   -1234 … 0.5000\n"
        "mae       2.000          –"
    )


def test_scores_of_parts_and_confusions():
    parts = RUN.details.parts["by_class"]
    assert rendered(scores_table("class", parts)) == (
        "class     f1  support\na      1.000    1,000\nb      –          234"
    )
    assert rendered(confusion_table(("a", "b"), RUN.details.confusion)) == (
        "true, predicted →      a    b\n"
        "a                  1,000    0\n"
        "b                     34  200"
    )


def test_how_sure_the_answers_are():
    assert certainty(RUN.certainty) == {
        "calibration": "temperature 1.500, by 120 validation rows; test log_loss 0.4000 → 0.3000, "
        "ece 0.2000 → 0.1000",
        "threshold": "'b' above 0.2500, the best f1 of 120 validation rows; test f1 0.5000 → "
        "0.6000",
        "coverage": "sets for 90 %: 1.100 classes in the mean, by 120 validation rows, which also "
        "chose the epoch and the temperature; they hold 91.0 % of the test rows",
    }
    given = Cut("b", 0.25, None, "validation", 0, {}, {})
    numbers = Coverage(0.9, "calibration", 30, (), (1.5, 20.0), None, None)
    assert certainty(Certainty(None, given, numbers)) == {
        "threshold": "'b' above 0.2500",
        "coverage": "intervals for 90 %: ± 1.500, ± 20.00, by 30 calibration rows",
    }
    folds = RUN.certainty.probabilities._replace(set="out-of-fold", rows=1)
    assert "by 1 out-of-fold row;" in certainty(Certainty(folds, None, None))["calibration"]
    few = numbers._replace(radius=(float("inf"),))
    assert coverage(few, "rows") == "intervals for 90 %: ± ∞, by 30 calibration rows, too few"
    none = Probabilities("none", "validation", 0, "there are no validation rows", {}, {}, {})
    assert certainty(Certainty(none, None, None)) == {
        "calibration": "none, there are no validation rows"
    }


def test_metrics_without_baseline_or_sets():
    assert rendered(metrics_table({"data": {"mae": 2.0}})) == "      data\nmae  2.000"
    assert rendered(metrics_table({})) == ""


def test_layers_table():
    assert rendered(layers_table([(1, "dense", (16,), 80), (2, "conv", (8, 8, 3), 12344)])) == (
        "#  layer     output  parameters\n"
        "1  dense         16          80\n"
        "2  conv   8 × 8 × 3      12,344\n"
        "   total                 12,424"
    )


def test_columns_and_components_tables():
    assert rendered(columns_table([("age", "numeric", "150 numbers")])) == (
        "column  role     because\nage     numeric  150 numbers"
    )
    assert rendered(components_table("layer", [("relu", "", "y = max(x, 0)")])) == (
        "layer  fields  summary\nrelu           y = max(x, 0)"
    )


@pytest.mark.parametrize(
    "table",
    [
        metrics_table({HOSTILE: {HOSTILE: 1.0}}),
        columns_table([(HOSTILE, HOSTILE, HOSTILE)]),
        components_table(HOSTILE, [(HOSTILE, HOSTILE, HOSTILE)]),
        layers_table([(1, HOSTILE, (1,), 1)]),
        scores_table("class", {HOSTILE: {HOSTILE: 1.0}}),
        confusion_table([HOSTILE], [[1]]),
    ],
)
def test_foreign_text_appears_literally(table):
    text = rendered(table, 200)
    assert LITERAL in text
    assert text.replace("\n", "").isprintable()


def test_closing_says_what_happened_and_what_comes_next():
    text = rendered(closing(replace(RUN, certainty=Certainty(None, None, None))), 100)
    assert text.endswith(
        "\n"
        "baseline   always 'setosa'\n"
        "interval   500 resamples of 1,234 test rows\n"
        "vs linear  accuracy +0.03330, 95 % interval −0.01000 … +0.05000\n"
        "stopped    training loss below 0.05\n"
        "trained    300 epochs, 2,400 iterations in 1 min 23 s; weights of the best epoch, 280\n"
        "files      runs/my iris-1\n"
        "\n"
        "Next: bpcli predict 'runs/my iris-1' data.csv"
    )
    assert "━ train 1.000 → 0.003333   ━ validation 1.100 → 0.1033   log scale" in text


@pytest.mark.parametrize("width", [1, 5, 20, 40, 60, 80, 200])
@pytest.mark.parametrize("file", [io.StringIO, AsciiFile])
def test_closing_fits_every_width(width, file):
    assert rendered(closing(RUN), width, file())


def test_closing_without_validation_or_curve():
    first = [RUN.records[0]._replace(validation_loss=None)]
    details = Assessment(1, 0, {}, {}, {}, None)
    run = replace(RUN, records=first, details=details)
    text = rendered(closing(run), 100)
    assert text.startswith("              train") and "interval" not in text and "linear" in text
    assert "━" not in text


def test_ascii_closing_has_only_signs_that_the_stream_replaces():
    text = rendered(closing(RUN), 80, AsciiFile())
    assert set(re.sub(r"[\x00-\x7f]", "", text)) <= set("–…×→−")


@pytest.mark.parametrize(
    ("values", "width", "line"),
    [
        ([], 5, ""),
        ([1.0], 5, "▁"),
        ([8, 7, 6, 5, 4, 3, 2, 1], 8, "█▇▆▅▄▃▂▁"),
        ([1, None, float("nan"), 2], 8, "▁█"),
        (range(1000), 4, "▁▃▆█"),
        (range(1000), 1, "▁"),
    ],
)
def test_sparkline(values, width, line):
    assert sparkline(values, width) == line


def test_ascii_sparkline():
    assert sparkline(range(8), 8, ascii_only=True) == "_.-=+*#@"


def test_loss_curve():
    assert loss_curve([4.0, 3, 2, 1], [], 10, 4, ascii_only=True).plain.splitlines() == [
        "4.000 **  ",
        "       ** ",
        "        **",
        "1.000    *",
    ]
    assert loss_curve([2.0, 1], [2.0, 2.0], 8, 2).plain.splitlines() == ["2.000 ⠹⡍", "1.000  ⢳"]


def test_an_ensemble_shows_how_its_members_differ():
    members = [
        Member("it has converged", 7, 12, {"test": {"accuracy": 0.9}}),
        Member("it has converged", 9, 12, {"test": {"accuracy": 0.95}}),
        Member("its patience is over", 3, 5, {"test": {"accuracy": 0.8}}),
    ]
    lines = rendered(closing(replace(RUN, members=members)), width=100).splitlines()
    said = {line.split("  ")[0]: line.split("  ")[-1] for line in lines}
    assert said["members"] == "3: test accuracy 0.9333 together, 0.8000 … 0.9500 each"
    assert said["stopped"] == "2 members: it has converged, 1 member: its patience is over"
    assert "5 to 12 epochs, 2,400 iterations" in said["trained"]
    assert said["trained"].endswith("weights of the best epoch, 3 to 9")


def test_the_losses_of_an_ensemble_are_means_over_those_that_train():
    losses = {1: (1.0, 2.0), 2: (4.0,)}
    records = [
        Record(epoch, epoch, 0.1, loss, None, None, 1.0, 0.0, member)
        for epoch, own in losses.items()
        for member, loss in enumerate(own, 1)
    ]
    assert means(records, lambda record: record.train_loss) == [1.5, 4.0]
    assert means(records, lambda record: record.validation_loss) == []


@pytest.mark.parametrize("losses", [[], [1.0], [1.0, 1.0], [float("inf"), 1.0]])
def test_loss_curve_of_hardly_anything(losses):
    assert len(loss_curve(losses, [], 20, 3).plain.splitlines()) == 3


@pytest.mark.parametrize(
    ("coefficients", "expected"),
    [
        ({"x": 1.99999774, "intercept": 5.7e-06}, "y = 2.000 x + 0.000"),
        ({"x": -0.5, "[b]": 3e-7, "intercept": -32.0}, "y = − 0.5000 x + 3.000e-07 [b] − 32.00"),
        ({"x": 1e-6, "intercept": 2e-5}, "y = 1.000e-06 x + 2.000e-05"),
        ({f"x{i}": 1.0 for i in range(9)} | {"intercept": 1.0}, "… + 1.000"),
    ],
)
def test_equation(coefficients, expected):
    assert equation("y", coefficients).endswith(expected)


def test_a_model_is_one_equation_a_line():
    terms = {name: {"age": 2.0, "town=Ulm": -1.0, "intercept": 3.0} for name in ("a", "b")}
    assert model(Equations("log-odds", {"town": "Bonn"}, terms)) == {
        "model": "log-odds of a = 2.000 age − 1.000 town=Ulm + 3.000\n"
        "log-odds of b = 2.000 age − 1.000 town=Ulm + 3.000",
        "reference": "town=Bonn",
    }
    many = Equations("value", {}, {str(i): {"intercept": 0.0} for i in range(9)})
    assert model(many) == {"model": "linear; its equations are in metrics.json"}
