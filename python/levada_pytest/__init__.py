"""Levada's fixtures for pytest.

A package of its own, so that the engine is not loaded for tests that use none of them.

``levada_broker``
    A :class:`levada.testing.Broker`, in memory and on a free port, the same for all tests of a
    process (of a worker, with pytest-xdist). After each test it is as at first: no topics, groups
    and faults.
``levada_topic``
    The name of a fresh topic on it.
``levada_broker_session``
    The same broker for fixtures of a wider scope; nothing is cleaned up.

``--levada-data=directory`` (or ``levada_data`` in the ini file) keeps the data in a temporary
directory instead, ``levada_settings`` in the ini file holds lines of ``name=value``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from levada.testing import Broker

_PLACES = ("memory", "directory")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("levada", "Levada, a Kafka-compatible broker in the test's process")
    group.addoption(
        "--levada-data",
        choices=_PLACES,
        default=None,
        help="where the broker keeps its data: in memory (default) or in a temporary directory",
    )
    parser.addini("levada_data", "where the broker keeps its data: memory or directory", default="")
    parser.addini("levada_settings", "settings of the broker, name=value", type="linelist")


def _settings(config: pytest.Config) -> dict[str, str]:
    settings: dict[str, str] = {}
    for line in config.getini("levada_settings"):
        name, found, value = line.partition("=")
        if not found:
            raise pytest.UsageError(f"levada_settings: {line!r} is not of the form name=value")
        settings[name.strip()] = value.strip()
    return settings


def _path(config: pytest.Config, factory: pytest.TempPathFactory) -> str:
    place = config.getoption("--levada-data") or config.getini("levada_data") or "memory"
    if place not in _PLACES:
        raise pytest.UsageError(f"levada_data is {place!r}: there are {', '.join(_PLACES)}")
    return ":memory:" if place == "memory" else str(factory.mktemp("levada"))


@pytest.fixture(scope="session")
def levada_broker_session(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Broker]:
    """A broker for all tests of this process."""
    from levada.testing import Broker

    path = _path(pytestconfig, tmp_path_factory)
    with Broker(path, config=_settings(pytestconfig)) as broker:
        yield broker


@pytest.fixture
def levada_broker(levada_broker_session: Broker) -> Iterator[Broker]:
    """A broker without topics, groups and faults."""
    yield levada_broker_session
    levada_broker_session.reset()


@pytest.fixture
def levada_topic(levada_broker: Broker, request: pytest.FixtureRequest) -> str:
    """The name of a fresh topic of one partition."""
    from levada.testing import unique

    return levada_broker.topic(unique(request.node.name))
