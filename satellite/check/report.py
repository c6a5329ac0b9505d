"""What was found as text: the lines for the terminal, and the report that an owner can send, in which there is no sound."""

import json
import platform
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import metadata

from satellite import __version__
from satellite.audio.devices import as_text, find_devices
from satellite.audio.holders import PROC
from satellite.audio.pcm import alsaaudio
from satellite.audio.pcm_format import PcmFormat
from satellite.check.findings import REPLY_DBFS, Finding, ser_db
from satellite.check.measure import Channel, Measured
from satellite.config import Audio, Config
from satellite.errors import DeviceError
from satellite.keys import flat

# what a board says of itself
_MODEL = PROC / "device-tree/model"


def opened(name: str, device: str, pcm: PcmFormat) -> str:
    """How a device was set up by its driver."""
    period_ms, buffer_ms = (1000 * frames / pcm.rate_hz for frames in (pcm.device_period_frames, pcm.buffer_frames))
    return (
        f"{name:<10} {device}: {pcm.rate_hz} Hz, {pcm.sample_format}, {pcm.channels} channel{'s' * (pcm.channels > 1)},"
        f" period {period_ms:.0f} ms, buffer {buffer_ms:.0f} ms"
    )


def figures(measured: Measured, audio: Audio) -> Iterator[str]:
    """What was measured."""
    near = measured.channels[audio.microphone_channel]
    yield f"Noise        {near.floor_db:.0f} dBFS"
    yield f"Echo         {_echo(near, measured, audio.queue_ms)}"
    yield f"Your voice   {_voice(near)}"
    ser = ser_db(near, measured.played_db)
    assumed = f"for an answer at {REPLY_DBFS:.0f} dBFS and your voice from where you spoke"
    yield f"SER          {'unknown' if ser is None else f'{ser:+.0f} dB: your voice over an answer at the microphone, {assumed}'}"
    if len(measured.channels) > 1:
        yield "Channels     " + "; ".join(f"{n}: {_summary(channel)}" for n, channel in enumerate(measured.channels))


def _echo(near: Channel, measured: Measured, queue_ms: int) -> str:
    if near.echo_db is None:
        return f"none heard of a sound at {measured.played_db:.0f} dBFS"
    delay = "loop delay not clear" if near.delay_ms is None else f"loop delay {near.delay_ms} ms (audio.queue_ms is {queue_ms})"
    return f"{near.echo_db:.0f} dBFS of a sound at {measured.played_db:.0f} dBFS; {delay}"


def _voice(near: Channel) -> str:
    return (
        "none heard" if near.voice_db is None else f"{near.voice_db:.0f} dBFS, {near.voice_over_floor_db:.0f} dB above the noise"
    )


def _summary(channel: Channel) -> str:
    levels = (("voice", channel.voice_db), ("echo", channel.echo_db))
    heard = [f"{name} {level:.0f} dBFS" for name, level in levels if level is not None]
    return ", ".join(heard) or ("dead" if channel.is_dead else "noise")


def conclusion(found: list[Finding]) -> Iterator[str]:
    """The findings, and the verdict."""
    for finding in found:
        yield f"{'MEND' if finding.is_problem else 'note'}  {finding}"
    problems = sum(finding.is_problem for finding in found)
    yield f"{problems} thing{'s' * (problems > 1)} to mend." if problems else "All is well."


# ---- the report


def report(config: Config, lines: list[str]) -> str:
    """All that was printed, and what a helper would ask next. Looks at the devices, which have to be free."""
    sections: Mapping[str, Iterator[str]] = {
        "Check": iter(lines),
        "Versions": _versions(),
        "Cards": _cards(),
        "Devices": _devices(),
        "Configuration": (f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in flat(config).items()),
    }
    return "\n".join("\n".join((f"== {title} ==", *body, "")) for title, body in sections.items())


def _versions() -> Iterator[str]:
    yield f"satellite {__version__}"
    yield f"Python {platform.python_version()}"
    yield f"{platform.system()} {platform.release()} {platform.machine()}"
    with suppress(OSError):
        yield platform.freedesktop_os_release().get("PRETTY_NAME", "")
    with suppress(OSError):
        yield _MODEL.read_text("utf-8", "replace").strip("\0\n")
    with suppress(DeviceError):
        yield f"ALSA {alsaaudio().asoundlib_version()}"
    try:
        needed = metadata.requires("satellite") or []
    except metadata.PackageNotFoundError:  # run from its sources
        return
    names = [re.split(r"[^\w.-]", wanted)[0] for wanted in needed if "'dev'" not in wanted]
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            yield f"{name} {metadata.version(name)}"


def _cards() -> Iterator[str]:
    try:
        yield from (PROC / "asound/cards").read_text("utf-8", "replace").splitlines()
    except OSError as error:
        yield f"{error.filename}: {error.strerror}"


def _devices() -> Iterator[str]:
    try:
        yield from as_text(find_devices()).splitlines()
    except DeviceError as error:
        yield str(error)
