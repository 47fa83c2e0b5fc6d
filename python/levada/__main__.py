"""The command line: ``python -m levada``, and the command ``levada``."""

from __future__ import annotations

import sys

from ._levada import cli_main


def main() -> None:
    """Runs the command in ``sys.argv`` and exits with its status."""
    raise SystemExit(cli_main(["levada", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
