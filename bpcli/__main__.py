"""The entry point: `--version` at once, everything else through the commands."""

from __future__ import annotations

import gc
import sys

from bpcli.runs.signals import Interrupted, requests


def main() -> None:
    """Run the command line; the process ends with the exit code."""
    if sys.argv[1:] == ["--version"]:
        from bpcli import __version__

        print(f"bpcli {__version__}")
        return
    # What imports make lives to the end; to look for rubbish among it took a tenth of a second.
    gc.set_threshold(20_000, 20, 20)
    requests.listen()
    try:
        from bpcli.cli.app import run

        code = run()
    except Interrupted as asked:  # before the first command could
        code = asked.exit_code
    requests.ignore()
    sys.exit(code)


if __name__ == "__main__":
    main()
