"""PulseAudio's client library as we use it."""

from pathlib import Path

import pytest

from satellite.audio.pulse import share_no_memory


def _told(environ: dict[str, str], system: Path) -> list[str]:
    share_no_memory(environ, system)
    lines = Path(environ["PULSE_CLIENTCONFIG"]).read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """The machine's settings, in a file and in a folder beside it."""
    (tmp_path / "client.conf.d").mkdir()
    for name in ("client.conf", "client.conf.d/00-first.conf", "client.conf.d/01-second.conf"):
        (tmp_path / name).touch()
    return tmp_path / "client.conf"


def test_the_library_is_told_to_share_no_memory_beside_what_the_machine_tells_it(tmp_path: Path, system: Path) -> None:
    """In its file, and in the folder, which the library does not look into where it is told a file."""
    environ = {"RUNTIME_DIRECTORY": str(tmp_path), "HOME": "/nonexistent"}
    folder = [f".include {system}.d/{name}.conf" for name in ("00-first", "01-second")]
    assert _told(environ, system) == [f".include {system}", *folder, "enable-shm = no"]


def test_a_users_settings_count_instead_of_the_machines(tmp_path: Path, system: Path) -> None:
    """As to the library."""
    users = tmp_path / ".config/pulse/client.conf"
    users.parent.mkdir(parents=True)
    users.touch()
    environ = {"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    assert _told(environ, system) == [f".include {users}", "enable-shm = no"]


@pytest.mark.parametrize("environ", [{}, {"RUNTIME_DIRECTORY": "/nonexistent"}])
def test_without_a_place_for_a_file_there_is_one(environ: dict[str, str], system: Path) -> None:
    """With the machine's file alone."""
    assert _told(environ, system) == [".include /etc/pulse/client.conf", "enable-shm = no"]


def test_what_somebody_has_told_it_holds(system: Path) -> None:
    """He knows why."""
    theirs = {"PULSE_CLIENTCONFIG": "/home/me/client.conf"}
    share_no_memory(theirs, system)
    assert theirs == {"PULSE_CLIENTCONFIG": "/home/me/client.conf"}
