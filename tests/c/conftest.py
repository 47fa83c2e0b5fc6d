import os
import pathlib

import pytest
from harness.installation import Library, installed


@pytest.fixture(scope="session")
def shared_directory(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """One for all workers of pytest-xdist."""
    directory: pathlib.Path = tmp_path_factory.getbasetemp()
    return directory.parent if "PYTEST_XDIST_WORKER" in os.environ else directory


@pytest.fixture(scope="session")
def library(shared_directory: pathlib.Path) -> Library:
    return installed(shared_directory / "levada")
