"""The name under which the network knows a satellite."""

import logging
import os
import re
from pathlib import Path

import pytest

from satellite.identity import Identity, given_state_directory, state_directory

MACHINE_ID = "00112233445566778899aabbccddeeff"
# `systemd-id128 machine-id --app-specific=25f9082eb4bc49c4b26e5dd95c0db1fa` on a machine with that id begins so
SYSTEMD_SAYS = "dd6f8892"


def identity(tmp_path: Path, machine_id: str | None = MACHINE_ID, port: int = 10700) -> Identity:
    """After a boot of a machine with this id."""
    file = tmp_path / "machine-id"
    file.unlink(missing_ok=True)
    if machine_id is not None:
        file.write_text(machine_id)
    return Identity(port, tmp_path / "state", file)


def test_it_is_what_systemd_derives_from_the_machine(tmp_path: Path) -> None:
    """Nothing is drawn and nothing kept: the same machine is the same satellite after it was installed again."""
    assert identity(tmp_path, f"{MACHINE_ID}\n").name() == f"satellite-{SYSTEMD_SAYS}"
    assert not (tmp_path / "state").exists()


def test_another_machine_is_another_satellite(tmp_path: Path) -> None:
    """One digit is enough."""
    assert identity(tmp_path, f"1{MACHINE_ID[1:]}").name() != identity(tmp_path).name()


def test_two_satellites_of_one_machine_are_two(tmp_path: Path) -> None:
    """They cannot share a port."""
    assert identity(tmp_path, port=10701).name() == f"satellite-{SYSTEMD_SAYS}-10701"


@pytest.mark.parametrize("machine_id", [None, "", "uninitialized\n", "0" * 32, MACHINE_ID[:-1], MACHINE_ID + "0", "\xe9" * 32])
def test_without_a_machine_id_it_is_drawn_once(tmp_path: Path, machine_id: str | None) -> None:
    """And kept for all later boots."""
    name = identity(tmp_path, machine_id).name()
    assert re.fullmatch("satellite-[0-9a-f]{8}", name)
    assert identity(tmp_path, machine_id).name() == name


def test_what_was_drawn_stays(tmp_path: Path) -> None:
    """A machine whose id came later, or was made its own, does not change again."""
    name = identity(tmp_path, None).name()
    assert identity(tmp_path).name() == name


def test_another_name_is_for_good(tmp_path: Path) -> None:
    """For this run and after the next boot, though the machine's id has not changed."""
    here = identity(tmp_path)
    old, new = here.name(), here.renew()
    assert new != old
    assert here.name() == new
    assert identity(tmp_path).name() == new


def test_a_kept_name_that_is_damaged_is_none(tmp_path: Path) -> None:
    """After a power cut the file may hold anything."""
    identity(tmp_path).renew()
    (tmp_path / "state/identity").write_bytes(b"\0\0\0\0")
    assert identity(tmp_path).name() == f"satellite-{SYSTEMD_SAYS}"


def test_a_name_that_cannot_be_kept_holds_while_it_runs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The owner is told what becomes of it, once."""
    (tmp_path / "state").write_text("not a directory")
    here = identity(tmp_path, None)
    assert here.name() == here.name()
    [record] = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "new device after every start" in record.getMessage()


def test_state_is_kept_where_systemd_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of its directories; without systemd, below the user's home."""
    monkeypatch.setenv("STATE_DIRECTORY", os.pathsep.join(("/var/lib/satellite", "/var/lib/other")))
    assert state_directory() == given_state_directory() == Path("/var/lib/satellite")
    monkeypatch.delenv("STATE_DIRECTORY")
    assert given_state_directory() is None
    monkeypatch.setenv("HOME", "/home/ada")
    assert state_directory() == Path("/home/ada/.local/state/satellite")
