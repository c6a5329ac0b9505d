"""The hub that is remembered over restarts."""

import asyncio
import logging
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from satellite.core.networks import Address, address
from satellite.hub_file import HubFile

_HUB = IPv4Address("192.168.1.10")


def _keep(directory: Path | None, *hubs: Address | None) -> None:
    async def story() -> None:
        file = HubFile(directory)
        for hub in hubs:
            file.keep(hub)
        await asyncio.get_running_loop().shutdown_default_executor()

    asyncio.run(story())


@pytest.mark.parametrize("host", ["192.168.1.10", "fd00::7", "fe80::1%eth0"])
def test_what_is_kept_is_read(tmp_path: Path, host: str) -> None:
    """And nothing else is left behind."""
    _keep(tmp_path, address(host))
    assert HubFile(tmp_path).read() == address(host)
    assert [path.name for path in tmp_path.iterdir()] == ["hub"]


def test_what_was_wanted_last_counts(tmp_path: Path) -> None:
    """Whichever thread comes first."""
    _keep(tmp_path, _HUB, None, IPv4Address("192.168.1.20"), None)
    assert HubFile(tmp_path).read() is None and not [*tmp_path.iterdir()]


@pytest.mark.parametrize("content", [b"", b"\n", b"nobody\n", b"\xff" * 1000])
def test_a_file_that_cannot_be_used_remembers_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes) -> None:
    """A damaged card must not shut the hub out; the operator is told."""
    (tmp_path / "hub").write_bytes(content)
    assert HubFile(tmp_path).read() is None
    assert [r.levelno for r in caplog.records] == [logging.WARNING] and "the next hub is remembered" in caplog.text


def test_a_file_that_cannot_be_read_remembers_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The same."""
    (tmp_path / "hub").mkdir()
    assert HubFile(tmp_path).read() is None
    assert "cannot be read" in caplog.text


def test_a_directory_that_takes_nothing_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The hub is remembered as long as we run."""
    _keep(tmp_path / "missing", _HUB)
    assert "cannot keep it" in caplog.text


def test_without_a_directory_it_ends_with_us(caplog: pytest.LogCaptureFixture) -> None:
    """Which the operator is told at once."""
    _keep(None, _HUB)
    assert HubFile(None).read() is None
    assert "the hub is forgotten at the end" in caplog.text
