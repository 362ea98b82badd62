"""The entry point: `--version` at once, everything else through the commands."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; the process ends with the exit code."""
    if sys.argv[1:] == ["--version"]:
        from bpcli import __version__

        print(f"bpcli {__version__}")
        return
    from bpcli.cli.app import run

    sys.exit(run())


if __name__ == "__main__":
    main()
