"""The application: its commands, and the one place where an error becomes an exit code."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Annotated

import typer

from bpcli.cli import (
    check,
    compare,
    cv,
    diagnose,
    evaluate,
    explain,
    gradcheck,
    init,
    listing,
    lr_sweep,
    plan,
    predict,
    report,
    schema,
    trace,
    train,
    tune,
    validate,
    verify,
)
from bpcli.cli.usage import call
from bpcli.config.errors import BpcliError, Problem, ResourceError
from bpcli.runs.signals import Interrupted, requests

app = typer.Typer(
    name="bpcli",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train, predict and evaluate neural networks from one YAML file and one CSV.\n\n"
    "Start with: bpcli train config.yaml",
)
app.command("init")(init.init)
app.command("train")(train.train)
app.command("predict")(predict.predict)
app.command("evaluate")(evaluate.evaluate)
app.command("explain")(explain.explain)
app.command("lr-sweep")(lr_sweep.lr_sweep)
app.command("cv")(cv.cv)
app.command("tune")(tune.tune)
app.command("verify")(verify.verify)
app.command("compare")(compare.compare)
app.command("report")(report.report)
app.command("diagnose")(diagnose.diagnose)
app.command("gradcheck")(gradcheck.gradcheck)
app.command("trace")(trace.trace)
app.command("check")(check.check)
app.command("validate")(validate.validate)
app.command("plan")(plan.plan)
app.command("list")(listing.list_components)
app.command("schema")(schema.schema)


def _print_version(wanted: bool) -> None:
    if wanted:
        from bpcli import __version__

        print(f"bpcli {__version__}")
        raise typer.Exit()


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Options before the command."""


def run() -> int:
    """Run one command and return its exit code; no failure of a user's making has a traceback."""
    try:
        with requests.heeded():
            call(app)
    except SystemExit as end:
        # Typer ends with 1 where the reader of our output has gone, and nowhere else.
        return _leave_quietly() if end.code == 1 else int(end.code or 0)
    except BpcliError as error:
        return _report(error)
    except MemoryError:
        what, fix = "there is no memory left", "use a smaller table, or a bigger machine"
        return _report(ResourceError(Problem("BP-R023", "", what, fix)))
    except BrokenPipeError:
        return _leave_quietly()
    except Interrupted as asked:
        with suppress(OSError):  # the terminal may be what has gone
            print(f"{asked}: nothing was written", file=sys.stderr)
        return asked.exit_code
    except Exception as error:
        from bpcli.cli.bug import report_bug

        return report_bug(error)
    return 0


def _leave_quietly() -> int:
    """Point stdout at nothing, or Python would complain about the closed pipe while it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _report(error: BpcliError) -> int:
    from bpcli.display.console import open_terminal
    from bpcli.display.messages import error_lines, error_record, print_lines

    if "--json" in sys.argv:
        import json

        print(json.dumps(error_record(error)))
    else:
        with suppress(OSError):
            print_lines(open_terminal().err, error_lines(error))
    return error.exit_code
