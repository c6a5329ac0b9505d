"""Who holds a busy sound device, and what an operator can do about a device that does not open."""

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

Direction = Literal["capture", "playback"]

PROC = Path("/proc")

# sound servers, by the names of their processes: the ALSA device that goes through each
_SERVERS = {"pulseaudio": "pulse", "pipewire": "pipewire", "wireplumber": "pipewire"}

# hw:1, hw:1,0, plughw:CARD=Device,DEV=0, sysdefault:CARD=Device
_CARD = re.compile(r":(?:CARD=)?(?P<card>\w+)(?:,(?:DEV=)?(?P<device>\d+))?")


def advice(reason: str, device: str, direction: Direction, proc: Path = PROC) -> str:
    """What to do when ALSA gave that reason for not opening a device; empty if nobody knows."""
    if reason == os.strerror(errno.EBUSY):
        holder = next(holders(device, direction, proc), None)
        if holder is None:
            return "another program holds it"
        name, pid = holder
        if _is_satellite(proc / str(pid)):
            return f"the satellite itself (process {pid}) holds it: stop it with `{_stop(proc / str(pid), pid)}`"
        way_out = f"use the device {_SERVERS[name]}, or" if name in _SERVERS else "use another device, or"
        return f"{name} (process {pid}) holds it: {way_out} stop that program"
    if reason in map(os.strerror, (errno.ENOENT, errno.ENODEV, errno.ENXIO)):
        return "`satellite devices` lists what there is"
    if reason in map(os.strerror, (errno.EACCES, errno.EPERM)):
        return "add the satellite's user to the group audio"
    return ""


def holders(device: str, direction: Direction, proc: Path = PROC) -> Iterator[tuple[str, int]]:
    """Programs that have the hardware of that ALSA name open, as name and process; of all cards if it names none."""
    named = _CARD.search(device)
    card = named["card"] if named else "card*"
    number = (named["device"] if named else None) or "*"
    # the folders are card0, card1 ...; a link with the card's own name leads to each
    folder = f"card{card}" if card.isdigit() else card
    for status in sorted((proc / "asound").glob(f"{folder}/pcm{number}{direction[0]}/sub*/status")):
        owner = re.search(r"owner_pid\s*:\s*(\d+)", _text(status))
        if owner:
            pid = int(owner[1])
            yield _text(proc / str(pid) / "comm").strip() or "a program", pid


def _is_satellite(process: Path) -> bool:
    words = _text(process / "cmdline").split("\0")
    # `satellite run` by its script, or `python -m satellite run`
    return "run" in words and any(Path(word).name == "satellite" for word in words[: words.index("run")])


def _stop(process: Path, pid: int) -> str:
    """The command that stops it, and keeps it stopped."""
    group = _text(process / "cgroup").strip().rpartition("/")
    if not group[2].endswith(".service"):
        return f"kill {pid}"
    return f"systemctl --user stop {group[2]}" if "/user@" in group[0] else f"sudo systemctl stop {group[2]}"


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:  # it is over, or not ours to see
        return ""
