"""Who holds a busy device, read from a /proc of our own making, and what the operator is advised."""

import errno
import os
from pathlib import Path

import pytest

from satellite.audio.holders import Direction, advice, holders

BUSY = os.strerror(errno.EBUSY)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """Two cards: an idle one, and `Device`, whose microphone a sound server holds and whose speaker a player holds."""
    for card, name in ((0, "PCH"), (1, "Device")):
        for pcm in ("pcm0c", "pcm0p"):
            folder = tmp_path / f"asound/card{card}/{pcm}/sub0"
            folder.mkdir(parents=True)
            (folder / "status").write_text("closed\n")
        (tmp_path / "asound" / name).symlink_to(f"card{card}")
    held_by(tmp_path, "pcm0c", 812, "pulseaudio")
    held_by(tmp_path, "pcm0p", 4711, "aplay")
    return tmp_path


def held_by(proc: Path, pcm: str, pid: int, name: str) -> None:
    status = f"state: RUNNING\nowner_pid   : {pid}\ntrigger_time: 1.0\n"
    (proc / f"asound/card1/{pcm}/sub0/status").write_text(status)
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "comm").write_text(f"{name}\n")


@pytest.mark.parametrize("device", ["hw:1", "hw:1,0", "plughw:CARD=Device,DEV=0", "sysdefault:CARD=Device", "default"])
@pytest.mark.parametrize(("direction", "holder"), [("capture", ("pulseaudio", 812)), ("playback", ("aplay", 4711))])
def test_the_holder_of_a_card_however_it_is_named(proc: Path, device: str, direction: Direction, holder: tuple[str, int]) -> None:
    """By number, by name, or unnamed; each direction has its own holder."""
    assert list(holders(device, direction, proc)) == [holder]


@pytest.mark.parametrize("device", ["hw:0", "plughw:CARD=PCH,DEV=0", "hw:1,7", "hw:CARD=Gone"])
def test_who_holds_another_device_is_not_named(proc: Path, device: str) -> None:
    """Neither another card's holder nor that of another of its devices."""
    assert list(holders(device, "capture", proc)) == []


def test_a_sound_server_is_gone_through_and_a_program_stopped(proc: Path) -> None:
    """The advice names the program, its process, and a way out that fits it."""
    assert (
        advice(BUSY, "hw:1", "capture", proc) == "pulseaudio (process 812) holds it: use the device pulse, or stop that program"
    )
    assert advice(BUSY, "hw:1", "playback", proc) == "aplay (process 4711) holds it: use another device, or stop that program"


@pytest.mark.parametrize(
    ("command", "group", "advised"),
    [
        (
            "python3 /opt/satellite/bin/satellite run -c x",
            "0::/system.slice/satellite.service",
            "sudo systemctl stop satellite.service",
        ),
        ("python3 -m satellite run", "0::/user.slice/user-1000.slice/session-3.scope", "kill 900"),
        (
            "/usr/bin/python3 -m satellite -v run",
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/satellite.service",
            "systemctl --user stop satellite.service",
        ),
    ],
)
def test_the_satellite_itself(proc: Path, command: str, group: str, advised: str) -> None:
    """However it was started; killing what systemd runs would only start it again."""
    held_by(proc, "pcm0p", 900, "python3")
    (proc / "900/cmdline").write_text(command.replace(" ", "\0") + "\0")
    (proc / "900/cgroup").write_text(f"{group}\n")
    told = advice(BUSY, "hw:1", "playback", proc)
    assert told == f"the satellite itself (process 900) holds it: stop it with `{advised}`"


@pytest.mark.parametrize("command", ["python3 run satellite", "vi satellite", "run", "python3 -m satellite devices"])
def test_another_program_is_not_taken_for_the_satellite(proc: Path, command: str) -> None:
    """Only what runs it, by the words of its command."""
    (proc / "4711/cmdline").write_text(command.replace(" ", "\0") + "\0")
    assert advice(BUSY, "hw:1", "playback", proc).startswith("aplay (process 4711) holds it")


def test_a_holder_that_cannot_be_seen(tmp_path: Path) -> None:
    """Where the kernel does not tell, the advice claims nothing."""
    assert advice(BUSY, "hw:1", "capture", tmp_path) == "another program holds it"


@pytest.mark.parametrize(
    ("number", "says"), [(errno.ENOENT, "satellite devices"), (errno.ENODEV, "satellite devices"), (errno.EACCES, "group audio")]
)
def test_other_reasons_have_their_own_advice(tmp_path: Path, number: int, says: str) -> None:
    """A missing device and a forbidden one are mended differently."""
    assert says in advice(os.strerror(number), "hw:1", "capture", tmp_path)


def test_a_reason_that_nobody_knows_has_no_advice(tmp_path: Path) -> None:
    """ALSA's own word stands alone."""
    assert advice("Something else", "hw:1", "capture", tmp_path) == ""
