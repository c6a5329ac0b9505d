"""The servers, once for all tests of them, and their logs beside what failed."""

from collections.abc import Generator, Iterator

import pytest

from tests.servers import processes
from tests.servers.processes import Server, tail


@pytest.fixture(scope="session")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Speech-to-text."""
    with processes.whisper(tmp_path_factory.mktemp("whisper")) as server:
        yield server


@pytest.fixture(scope="session")
def piper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Text-to-speech."""
    with processes.piper(tmp_path_factory.mktemp("piper")) as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the servers wrote last."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        servers = [value for value in item.funcargs.values() if isinstance(value, Server)]
        report.sections += [(f"log of {server.name}, {server.log}", tail(server)) for server in servers]
    return report
