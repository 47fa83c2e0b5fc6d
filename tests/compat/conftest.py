import pytest
from harness import table
from harness.suite import Suite


@pytest.fixture(scope="session")
def suite(tmp_path_factory):
    """Everything runs once, several clients at a time; the tests wait for what they ask about."""
    with Suite(tmp_path_factory.mktemp("compat")) as suite:
        yield suite


@pytest.fixture(scope="session")
def documented():
    return table.read()
