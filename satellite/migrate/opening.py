"""What a migrated hook needs beyond what satellite.service lets it touch, as a drop-in for that unit: the least that will do."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from satellite.migrate.outcome import Sets, Tells

_HEAD = """\
# Made by `satellite migrate`: what is needed beyond what satellite.service lets its programs touch, and nothing else.
# It goes to /etc/systemd/system/satellite.service.d/hooks.conf; then: systemctl daemon-reload && systemctl restart satellite
[Service]
"""

# what reads a script, or "" if it is none
Read = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Opening:
    """A line of the drop-in, and what needs it."""

    setting: str
    why: str


@dataclass(frozen=True, slots=True)
class _Need:
    words: re.Pattern[str]
    settings: tuple[str, ...]
    what: str
    group: str | None = None


_RUN = r"(?:^|[\s/;|&('\"`])"

# by libraries and programs; paths of devices speak for themselves
_NEEDS = (
    _Need(re.compile(r"\bspidev\b|\bapa102\b", re.I), ("DeviceAllow=char-spidev rw",), "the SPI bus", "spi"),
    _Need(re.compile(r"\bsmbus2?\b|\bi2c(?:set|get|detect|dump)\b"), ("DeviceAllow=char-i2c rw",), "the I2C bus", "i2c"),
    _Need(
        re.compile(r"\bRPi\.GPIO\b|\braspi-gpio\b|\bpinctrl\b"),
        ("DeviceAllow=/dev/gpiomem rw", "DeviceAllow=/dev/gpiomem0 rw"),
        "the pins by the old way; /dev/gpiochip* is open anyway",
        "gpio",
    ),
    _Need(
        re.compile(rf"{_RUN}(?:node|nodejs|npx|deno|bun|java|luajit|dotnet|pwsh)(?=$|[\s'\"])"),
        ("MemoryDenyWriteExecute=no",),
        "a program that compiles itself while it runs",
    ),
    _Need(re.compile(r"/tmp/"), ("PrivateTmp=no",), "/tmp, as others see it"),
    _Need(re.compile(r"(?:>|\btee\b)[^;|&]*/sys/"), ("ProtectKernelTunables=no",), "writing below /sys"),
)

_GROUPS = {"tty": "dialout", "spidev": "spi", "i2c": "i2c", "gpiomem": "gpio", "video": "video", "input": "input"}

# what the unit leaves open, and what is no device
_OPEN_DEVICES = re.compile(r"/dev/(?:null|zero|full|u?random|tty|std(?:in|out|err)|fd|shm|pts|snd|gpiochip\d*|log)(?:/|$)")

_PATH = r"[^\s'\"`;|&<>()$*?]+"
_DEVICE = re.compile(rf"/dev/{_PATH}")
_HOME = re.compile(rf"(?<![\w./-])(?:/home/[^/\s'\"`;|&<>()$*?]+|/root)(?:/{_PATH}|(?![\w/]))")
_WRITTEN = re.compile(rf"(?:>{{1,2}}|\btee\s+(?:-a\s+)?)\s*['\"]?(/{_PATH})")
_MAY_WRITE = re.compile(r"/(?:dev|proc|sys|tmp|home|root|run/satellite|var/lib/satellite|var/tmp)(?:/|$)")

_CANNOT = (
    (re.compile(rf"{_RUN}(sudo|su|doas|pkexec)(?=\s)"), "no program of the satellite's can become root"),
    (re.compile(rf"{_RUN}(docker|podman)(?=\s)"), "whoever may use it is root, and the satellite is not"),
    (
        re.compile(rf"{_RUN}(systemctl|reboot|shutdown|poweroff)(?=$|[\s'\"])"),
        "the satellite's user may not do that to the system",
    ),
)
_INSTEAD = "Let a unit of root's do that, started by a path unit that watches a file below /var/lib/satellite"


def openings(settings: Sequence[Sets], read: Read) -> tuple[Sequence[Opening], Sequence[Tells]]:
    """What the programs and files among the settings need, each line once, and what no drop-in can give them."""
    found: dict[str, Opening] = {}
    tells: list[Tells] = []
    for each in settings:
        is_program = each.key.startswith("hooks.") or each.key.endswith("_command")
        if not isinstance(each.value, str) or not (is_program or each.key.startswith("sounds.")):
            continue
        text = "\n".join([each.value, *(read(word) for word in _paths(each.value))]) if is_program else each.value
        for opening in _of(text, each):
            found.setdefault(opening.setting, opening)
        tells += _impossible(text, each) if is_program else ()
        tells += _groups(text, each) if is_program else ()
    if any(opening.setting.startswith("Bind") for opening in found.values()):
        shown = Opening("ProtectHome=tmpfs", "homes are empty but for what follows")
        found = {shown.setting: shown, **found}
    return tuple(found.values()), tuple(dict.fromkeys(tells))


def drop_in(needed: Sequence[Opening]) -> str:
    """The file."""
    lines, before = [], ""
    for opening in needed:
        lines += [f"# {opening.why}"] if opening.why != before else []
        lines.append(opening.setting)
        before = opening.why
    return _HEAD + "\n".join(lines) + "\n"


def _paths(command: str) -> Iterator[str]:
    yield from re.findall(rf"(?<![\w./-])/{_PATH}", command)


def _of(text: str, of: Sets) -> Iterator[Opening]:
    for need in _NEEDS:
        if need.words.search(text):
            yield from (Opening(setting, f"{of.key}: {need.what}") for setting in need.settings)
    for device in dict.fromkeys(_DEVICE.findall(text)):
        if not _OPEN_DEVICES.match(device):
            yield Opening(f"DeviceAllow={_value(device)} rw", f"{of.key}: {device}")
    written = set(_WRITTEN.findall(text))
    for path in dict.fromkeys(_HOME.findall(text)):
        shown = path if path in written else _folder(path)
        kind = "BindPaths" if path in written else "BindReadOnlyPaths"
        yield Opening(f"{kind}=-{_value(shown)}", f"{of.key}: {path}")
    for path in sorted(written):
        if not _MAY_WRITE.match(path):
            yield Opening(f"ReadWritePaths=-{_value(path)}", f"{of.key}: writes {path}")


def _folder(path: str) -> str:
    """With what lies beside it, such as the rest of a script; but not the whole home."""
    parts = path.rstrip("/").split("/")
    shortest = 2 if parts[1] == "root" else 3
    return "/".join(parts[:-1]) if len(parts) > shortest + 1 else "/".join(parts)


def _value(path: str) -> str:
    return path.replace("%", "%%").replace(":", "\\:")


def _impossible(text: str, of: Sets) -> Iterator[Tells]:
    for words, why in _CANNOT:
        if found := words.search(text):
            yield Tells(of.option, f"{found[1]} in it will not work: {why}", _INSTEAD)


def _groups(text: str, of: Sets) -> Iterator[Tells]:
    wanted = [need.group for need in _NEEDS if need.group and need.words.search(text)]
    wanted += [_GROUPS[kind] for device in _DEVICE.findall(text) for kind in _GROUPS if device.startswith(f"/dev/{kind}")]
    for group in dict.fromkeys(name for name in wanted if name):
        why = f"it uses what belongs to the group {group}"
        yield Tells(of.option, why, f"Put the satellite's user into it: sudo usermod -aG {group} satellite", lost=False)
