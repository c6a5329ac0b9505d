"""What becomes of the microphone's and the loudspeaker's options."""

import getopt
import math
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from satellite.migrate.outcome import Cannot, Given, Outcome, Rule, Sets, Tells, number, service_uri, whole


@dataclass(frozen=True, slots=True)
class _Half:
    """One direction of sound."""

    name: str
    program: str
    key: str


_MIC = _Half("mic", "arecord", "audio.microphone")
_SND = _Half("snd", "aplay", "audio.speaker")
_PROGRAMS = {half.name: half.program for half in (_MIC, _SND)}

# what our own ALSA devices have no use for
_SHORT = "D:r:c:f:t:qvMNF:B:"
_LONG = [
    *("device=", "rate=", "channels=", "format=", "file-type=", "quiet", "verbose", "mmap", "nonblock"),
    *("period-time=", "buffer-time=", "period-size=", "buffer-size="),
]


@dataclass(frozen=True, slots=True)
class _Pcm:
    device: str
    rate_hz: int | None


def _plain(command: str, program: str) -> _Pcm | None:
    """What an arecord or aplay opens, if the command is that and does nothing else."""
    try:
        first, *rest = shlex.split(command)
        pairs, more = getopt.getopt(rest, _SHORT, _LONG)
    except (ValueError, getopt.GetoptError):
        return None
    if PurePath(first).name != program or more not in ([], ["-"]):
        return None
    options = {name.lstrip("-")[:1] if name[:2] != "--" else name[2:]: value for name, value in pairs}
    device = options.get("D") or options.get("device") or "default"
    rate = options.get("r") or options.get("rate") or ""
    if (options.get("t") or options.get("file-type") or "raw") != "raw":
        return None
    return _Pcm(device, _hertz(rate))


def _hertz(text: str) -> int | None:
    # to ALSA's programs a small one is in kHz
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        return None
    return int(text) * 1000 if int(text) < 1000 else int(text)


def mic_command(given: Given) -> Iterator[Outcome]:
    """An ALSA device, if it is an arecord; else it is started as before."""
    option, command = "--mic-command", given.text("--mic-command")
    pcm = _plain(command, _MIC.program)
    if pcm is None:
        yield from _external(_MIC, given)
        return
    yield Sets(_MIC.key, pcm.device, option)


def mic_rate(given: Given) -> Iterator[Outcome]:
    """Of an arecord its own is asked of the devices; what else is started has to say which it has."""
    option = "--mic-command-rate"
    pcm = _plain(given.text("--mic-command"), _MIC.program)
    if pcm is None:
        yield from external_of("mic", "rate", "rate_hz")(given) if given.text(option) else ()
    elif pcm.rate_hz is not None:
        yield Sets("audio.rate_hz", pcm.rate_hz, "--mic-command: its -r, asked of the devices")
    elif text := given.text(option):
        yield Sets("audio.rate_hz", whole(text), f"{option}: asked of the devices")


def mic_channels(given: Given) -> Iterator[Outcome]:
    """They were mixed; here one is listened to."""
    option = "--mic-command-channels"
    channels = whole(given.text(option))
    if _plain(given.text("--mic-command"), _MIC.program) is None:
        yield from external_of("mic", "channels", "channels")(given)
    if channels != 1 and given.text("--mic-command") and not given.text("--mic-channel-index"):
        why = "they were mixed, and here one is listened to, the first"
        yield Tells(option, why, "Set audio.microphone_channel for another", lost=False)


def external_of(half: str, what: str, key: str) -> Rule:
    """A number of a program that is started as before; without one it is of no use."""

    def rule(given: Given) -> Iterator[Outcome]:
        command, program = f"--{half}-command", _PROGRAMS[half]
        if given.text(command) and _plain(given.text(command), program) is None:
            yield Sets(f"external.{half}_{key}", whole(given.text(f"{command}-{what}")), f"{command}-{what}")

    return rule


def snd_command(given: Given) -> Iterator[Outcome]:
    """An ALSA device, if it is an aplay; else it is started as before. Its rate is of no use: ours resamples."""
    pcm = _plain(given.text("--snd-command"), _SND.program)
    if pcm is None:
        yield from _external(_SND, given)
    else:
        yield Sets(_SND.key, pcm.device, "--snd-command")


def no_speaker(given: Given) -> Iterator[Outcome]:
    """The old satellite was silent without a command or a service."""
    if not given.text("--snd-uri"):
        why = "there is none, so the old satellite was silent; the new one speaks through ALSA's default device"
        yield Tells("--snd-command", why, "Set audio.volume: 0 for silence", lost=False)


# the ALSA device that leads to the same sound server
_SERVERS = {
    **dict.fromkeys(("parecord", "parec", "paplay", "pacat"), "pulse"),
    **dict.fromkeys(("pw-record", "pw-cat", "pw-play"), "pipewire"),
}


def _external(half: _Half, given: Given) -> Iterator[Outcome]:
    option, command = f"--{half.name}-command", given.text(f"--{half.name}-command")
    width = given.text(f"{option}-width") or "2"
    if width != "2":
        yield Tells(option, f"its samples have {width} bytes, and here they have 2", f"Set {half.key} to an ALSA device")
        return
    yield Sets(f"external.{half.name}_command", command, option)
    program = PurePath((command.split() or [""])[0]).name
    device = _SERVERS.get(program, "the ALSA device that it uses (satellite devices)")
    why = f"{program} is started as before; its delay is not known exactly, so answers are talked over later and less surely"
    yield Tells(option, why, f"Better without it, and with {half.key}: {device}", lost=False)


def uri_of(half: str) -> Rule:
    """A Wyoming service for one direction of sound, unless there was a command, which counted more."""

    def rule(given: Given) -> Iterator[Outcome]:
        option = f"--{half}-uri"
        if given.text(f"--{half}-command"):
            yield Tells(option, f"it did not count beside --{half}-command", lost=False)
        else:
            yield Sets(f"external.{half}_uri", service_uri(given.text(option)), option)

    return rule


def width_of(half: str) -> Rule:
    """ALSA's own programs have any width; another program's is looked at with its command."""

    def rule(given: Given) -> Iterator[Outcome]:
        option = f"--{half}-command-width"
        if given.text(option) != "2" and _plain(given.text(f"--{half}-command"), _PROGRAMS[half]):
            yield Tells(option, "not needed: the device's format is taken, whatever it is", lost=False)

    return rule


# of the keys
_LOWEST_DB, _HIGHEST_DB = -20.0, 40.0


def mic_gain(given: Given) -> Iterator[Outcome]:
    """A factor to decibels."""
    option = "--mic-volume-multiplier"
    factor = number(given.text(option))
    if factor <= 0:
        raise Cannot(f"{factor:g} is not a gain", "Mute with the button, or from Home Assistant")
    wanted = round(20 * math.log10(factor), 1) + 0.0
    gain = min(max(wanted, _LOWEST_DB), _HIGHEST_DB)
    yield Sets("audio.microphone_gain_db", gain, f"{option}: {factor:g} in dB")
    if gain != wanted:
        yield Tells(option, f"{factor:g} is {wanted:g} dB, which was cut to {gain:g}", "Use the card's mixer: alsamixer")


def volume(given: Given) -> Iterator[Outcome]:
    """A factor to our scale, whose half is a quarter of the amplitude."""
    option = "--snd-volume-multiplier"
    factor = number(given.text(option))
    if not 0 <= factor <= 1:
        why = f"{factor:g} is no volume; {'louder than all would clip' if factor > 1 else 'it is below zero'}"
        raise Cannot(why, "Raise the card's mixer: alsamixer, or audio.mixer")
    yield Sets("audio.volume", round(100 * math.sqrt(factor)), f"{option}: the square root of {factor:g}, in percent")


_LEVELS = ("low", "low", "moderate", "high", "very-high")


def noise_suppression(given: Given) -> Iterator[Outcome]:
    """Five levels to four."""
    option = "--mic-noise-suppression"
    level = whole(given.text(option))
    if not 0 <= level < len(_LEVELS):
        raise Cannot(f"{level} is not from 0 to 4")
    yield Sets("audio.noise_suppression", _LEVELS[level], f"{option}: {level}")
    if level == 0:
        why = "it cannot be switched off here, for the echo canceller needs it; it is at its lowest"
        yield Tells(option, why, lost=False)


def auto_gain(given: Given) -> Iterator[Outcome]:
    """A target to the most that a voice is raised."""
    option = "--mic-auto-gain"
    level = whole(given.text(option))
    if not 0 <= level < 32:
        raise Cannot(f"{level} is not from 0 to 31")
    yield Sets("audio.auto_gain_db", float(level), f"{option}: the target became the most that a voice is raised")
