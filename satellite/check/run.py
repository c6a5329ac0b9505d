"""`satellite check`: plays, records, asks the user to speak, and says what is wrong. It never waits for a key."""

import errno
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from satellite.audio.alsa import AlsaCard, AlsaSettings, open_card
from satellite.audio.card import Card, Samples
from satellite.audio.pcm import open_pcm
from satellite.audio.whoosh import LENGTH_S, whoosh
from satellite.check.deck import Deck, Recording, resampled
from satellite.check.findings import Finding, findings
from satellite.check.measure import Recordings, Voiced, measure
from satellite.check.report import conclusion, figures, opened, report
from satellite.check.servers import check_servers
from satellite.config import Audio, Config
from satellite.core.burst import ACTIVE_PROBABILITY
from satellite.core.units import PERIOD_FRAMES
from satellite.detect.loop_delay import MAX_DELAY_MS
from satellite.detect.silero import SileroVad
from satellite.errors import DeviceError, SatelliteError
from satellite.external.card import is_external, open_card_for

# a microphone that has just been switched on clicks, and finds its level
SETTLING_S = 0.5
QUIET_S = 1.0
# the sound, and its echo on the slowest way
SOUND_S = LENGTH_S + MAX_DELAY_MS / 1000 + 0.1
VOICE_S = 3.0
# what is queued behind the last sample, and a room's tail
_AFTER_S = 0.3

# what was recorded is soft beside an answer; -6 dBFS is loud and clean, but noise is not to be raised to it
_PLAYED_BACK_PEAK = 0.5 * 32767
_MOST_GAIN = 10.0 ** (24.0 / 20.0)

Detect = Callable[[Samples], Voiced]
"""Which periods of a recording are speech."""


class Told:
    """Prints lines and keeps them for the report."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._is_in_line = False

    def line(self, text: str) -> None:
        """A whole line."""
        self.lines.append(text)
        # what was going on may have been cut short
        print("\n" * self._is_in_line + text, flush=True)
        self._is_in_line = False

    def progress(self, text: str, end: str = " ") -> None:
        """Part of a line that says what is going on; not for the report."""
        print(text, end=end, flush=True)
        self._is_in_line = end != "\n"


def run_check(config: Config, settings: AlsaSettings, source: str, report_path: Path | None) -> int:
    """Checks the devices that are configured; 0 if nothing has to be mended."""
    told = Told()
    detector = SileroVad(config.vad.model_path)
    if report_path is not None:
        # whoever has spoken for it is not to learn afterwards that it cannot be written
        _write(report_path, "", "a")
    told.line(f"Configuration: {source}: good.")
    servers = check_servers(config, told.line)
    try:
        card, audio = _open(config, settings, told)
        with closing(card):
            found = examine(card, audio, lambda samples: voiced(samples, detector), told)
    except DeviceError as error:
        are_swapped = not is_external(config.external) and _are_swapped(settings, error)
        swapped = "audio.microphone and audio.speaker look swapped: each opens as the other." if are_swapped else ""
        found = [Finding(True, f"{error}.", swapped)]
    found += servers
    for line in conclusion(found):
        told.line(line)
    if report_path is not None:
        _write(report_path, report(config, told.lines))
        print(f"The report is in {report_path}. There is no sound in it; read it before you send it.")
    return 1 if any(finding.is_problem for finding in found) else 0


def examine(card: Card, audio: Audio, detect: Detect, told: Told) -> list[Finding]:
    """The whole check on any card. DeviceError when it is gone, or does nothing."""
    deck = Deck(card, audio.queue_ms)
    dbfs = Audio().warm_up_dbfs if audio.warm_up_dbfs is None else audio.warm_up_dbfs
    assert dbfs is not None, "the default is a sound"
    sound = whoosh(deck.speaker_rate_hz, dbfs)
    told.progress("Quiet, please: listening to the room for a second, then a short noise ...")
    deck.record(SETTLING_S)
    quiet = deck.record(QUIET_S)
    echo = deck.record(SOUND_S, sound)
    told.progress("done.", "\n")
    told.progress(f"SAY SOMETHING NOW, from where you usually are, for {VOICE_S:.0f} s ...")
    voice = deck.record(VOICE_S, on_second=lambda second: told.progress(str(second)))
    told.progress("done.", "\n")
    overruns, underruns = deck.losses
    told.progress("This is what was heard ...")
    back = _to_play(voice, audio.microphone_channel, deck.speaker_rate_hz)
    deck.record(VOICE_S + _AFTER_S, back)
    told.progress("done.", "\n")
    spoken = voice.at_16k()
    measured = measure(Recordings(quiet.at_16k(), echo.at_16k(), spoken, tuple(detect(channel) for channel in spoken.channels)))
    for line in figures(measured, audio):
        told.line(line)
    return findings(measured, audio, overruns, underruns)


def voiced(samples: Samples, detector: SileroVad) -> Voiced:
    """Which periods are speech."""
    detector.reset()
    periods = np.zeros(len(samples) // PERIOD_FRAMES, np.bool_)
    for at in range(len(periods)):
        probability = detector.feed(samples[at * PERIOD_FRAMES : (at + 1) * PERIOD_FRAMES])
        if probability is not None and probability >= ACTIVE_PROBABILITY:
            end = detector.window_end_frames
            periods[(end - detector.hop_frames) // PERIOD_FRAMES : end // PERIOD_FRAMES] = True
    return periods


def _to_play(recording: Recording, channel: int, rate_hz: int) -> Samples:
    """One channel of it, loud enough to be judged."""
    samples = recording.channels[channel] - float(np.mean(recording.channels[channel]))
    gain = min(_PLAYED_BACK_PEAK / max(float(np.abs(samples).max()), 1.0), _MOST_GAIN)
    return resampled((samples * gain).astype(np.int16), recording.rate_hz, rate_hz)


def _open(config: Config, settings: AlsaSettings, told: Told) -> tuple[Card, Audio]:
    """The card, and the sound configuration as far as it is still to be looked for in what the card gives."""
    if not is_external(config.external):
        return _open_alsa(settings, told), config.audio
    card = open_card_for(config)()
    for name, rate_hz in (("Microphone", card.microphone.rate_hz), ("Speaker", card.speaker.rate_hz)):
        told.line(f"{name:<10} by the section external, or beside it: {rate_hz} Hz, one channel")
    return card, msgspec.structs.replace(config.audio, microphone_channel=0, reference="playback")


def _open_alsa(settings: AlsaSettings, told: Told) -> AlsaCard:
    """As the daemon would, to say what it gets; then with all channels that the microphone has."""
    with closing(open_card(settings)) as card:
        for name, device, pcm in zip(
            ("Microphone", "Speaker"), (settings.capture_device, settings.playback_device), card.formats, strict=True
        ):
            told.line(opened(name, device, pcm))
        least, most = card.formats[0].channels, card.most_channels()
    try:
        return open_card(replace(settings, every_channel_of=most))
    except DeviceError:
        # not all of what a device can do goes together
        return open_card(replace(settings, every_channel_of=least))


def _are_swapped(settings: AlsaSettings, error: DeviceError) -> bool:
    # one that is held in its own direction may well open in the other
    if settings.capture_device == settings.playback_device or os.strerror(errno.EBUSY) in str(error):
        return False
    try:
        open_pcm(settings.capture_device, "playback", settings.rate_hz, settings.queue_ms, channels=1).close()
        open_pcm(settings.playback_device, "capture", settings.rate_hz, settings.queue_ms, channels=1).close()
    except DeviceError:
        return False
    return True


def _write(path: Path, text: str, mode: str = "w") -> None:
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SatelliteError(f"--report {path}: {error.strerror}") from error
