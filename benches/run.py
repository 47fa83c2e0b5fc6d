"""Prints our figures as ratios to a peer or to what the machine can do, all in one run."""

from __future__ import annotations

import argparse

import storage
import streams


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", choices=["streams", "storage"])
    part = parser.parse_args().part
    if part in (None, "streams"):
        streams.rows()
    if part in (None, "storage"):
        storage.rows()


if __name__ == "__main__":
    main()
