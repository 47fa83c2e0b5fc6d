"""Unmodified Kafka clients against `levada serve`.

Each test holds a client against its row in docs/clients.md; with LEVADA_REWRITE=1 that page is
written. A client whose toolchain is missing is skipped, and the summary says so. With
LEVADA_COMPAT_BOOTSTRAP the broker at that address is asked instead: with Apache Kafka there,
everything must work. LEVADA_COMPAT_CLIENTS names the clients to run.
"""

import os

import pytest
from harness import table
from harness.clients import Missing
from harness.suite import chosen

REWRITE = "LEVADA_REWRITE" in os.environ
OTHER = "LEVADA_COMPAT_BOOTSTRAP" in os.environ


@pytest.mark.parametrize("client", chosen(), ids=lambda client: client.slug)
def test_client_does_what_the_table_says(suite, client, request):
    try:
        suite.version(client)
    except Missing as missing:
        pytest.skip(f"{client.name} was left out: {missing}")
    cells = suite.cells(client)
    failures = {c: reason for c, reason in cells.items() if table.shown(reason) == "fails"}
    told = "\n".join(f"{column}: {reason}" for column, reason in failures.items())
    if OTHER:
        assert not failures, told
    elif not REWRITE:
        row = request.getfixturevalue("documented")[client.name]
        got = {column: table.shown(cells[column]) for column in table.COLUMNS}
        assert got == row, told


@pytest.mark.skipif(not REWRITE or OTHER, reason="LEVADA_REWRITE=1 writes the table")
def test_the_table_is_written(suite):
    rows = {}
    for client in chosen():
        rows[client.name, suite.version(client)] = suite.cells(client)
    table.PATH.write_text(table.render(rows))
