"""Which microphone and which loudspeaker the operator wants, and what opens them as a card."""

import logging
import os
import time
from collections.abc import Callable
from functools import partial

from satellite.audio.alsa import AlsaSettings, open_card, open_microphone, open_speaker
from satellite.audio.card import Card, Speaker
from satellite.audio.pair import PairedCard, WaitingMicrophone
from satellite.audio.parts import Devices, OpenCard
from satellite.audio.pcm import label
from satellite.audio.pulse import share_no_memory
from satellite.audio.stable_name import is_by_number, stable_name
from satellite.audio.watch import WatchedMicrophone, WatchedSpeaker
from satellite.config import Audio, Config, External
from satellite.errors import ConfigError, DeviceError
from satellite.external.microphone import ExternalMicrophone, Source
from satellite.external.program import MicProgram, SndProgram, words_of
from satellite.external.service import MicService, SndService
from satellite.external.speaker import ExternalSpeaker, Sink

_log = logging.getLogger(__name__)

_FIRST_LOOK_S = 0.1

Half = Callable[[], None]
"""Gives a half back."""


def open_card_for(config: Config) -> Callable[[], Card]:
    """What opens the card, as often as is needed, in whatever thread. ConfigError for what can never be opened.

    Says once, here, what an external half costs.
    """
    settings = alsa_settings(config.audio)
    if not is_external(config.external):
        return partial(open_card, settings)
    _check(config.audio, config.external)
    _log.info(
        "external: nobody says when a program or a service has played or heard something, so what was heard of an answer is"
        " known less exactly, it is ducked and stopped as much later as they hold sound back, and its echo is cancelled less well"
    )
    return partial(_open_pair, config.audio, config.external, settings)


def devices_for(config: Config) -> OpenCard | Devices:
    """The same for a satellite that runs: two ALSA devices are opened each by itself, and do without each other for a while.

    What begins a program or reaches a service takes its time, in which the other half would be silent: those come as a pair.
    """
    if is_external(config.external):
        return open_card_for(config)
    settings = alsa_settings(config.audio)
    _advise(settings)
    share_no_memory(os.environ)
    labels = label(settings.capture_device, "capture"), label(settings.playback_device, "playback")
    return Devices(partial(open_microphone, settings), partial(open_speaker, settings), *labels)


def _advise(settings: AlsaSettings) -> None:
    for key, name in (("audio.microphone", settings.capture_device), ("audio.speaker", settings.playback_device)):
        if is_by_number(name):
            better = stable_name(name) or "the name that `satellite devices` lists"
            _log.warning("%s: the number in %s may be another card's after the next start or plug: use %s", key, name, better)


def is_external(external: External) -> bool:
    """Whether a half at least is no ALSA device."""
    return bool(_is_external_mic(external) or external.snd_command or external.snd_uri)


def alsa_settings(audio: Audio) -> AlsaSettings:
    """The ALSA devices as they are configured."""
    channels = (audio.microphone_channel, audio.reference_channel)
    return AlsaSettings(audio.microphone, audio.speaker, audio.rate_hz, audio.queue_ms, *channels)


def _is_external_mic(external: External) -> bool:
    return bool(external.mic_command or external.mic_uri)


def _check(audio: Audio, external: External) -> None:
    for key, command in (("external.mic_command", external.mic_command), ("external.snd_command", external.snd_command)):
        if command:
            words_of(key, command)
    has = f"external.mic_channels is {external.mic_channels}, and they count from 0"
    if external.mic_command and (most := max(_wanted(audio))) >= external.mic_channels:
        key = "audio.microphone_channel" if most == audio.microphone_channel else "audio.reference"
        raise ConfigError(f"{key}: channel {most} is wanted; {has}")


def _wanted(audio: Audio) -> tuple[int, ...]:
    reference = audio.reference_channel
    return (audio.microphone_channel,) if reference is None else (audio.microphone_channel, reference)


def _open_pair(audio: Audio, external: External, settings: AlsaSettings) -> Card:
    # the speaker first: it waits, and a microphone does not
    speaker, close_speaker = _open_speaker(audio, external, settings)
    try:
        microphone, close_microphone = _open_microphone(audio, external, settings)
    except DeviceError:
        close_speaker()
        raise
    return PairedCard(microphone, speaker, close_speaker, close_microphone)


def _open_speaker(audio: Audio, external: External, settings: AlsaSettings) -> tuple[Speaker, Half]:
    if not (external.snd_command or external.snd_uri):
        speaker, close = open_speaker(settings)
        return WatchedSpeaker(speaker, label(settings.playback_device, "playback"), time.monotonic), close
    shape = external.snd_rate_hz, external.snd_channels
    sink: Sink = SndProgram(external.snd_command, *shape) if external.snd_command else SndService(str(external.snd_uri), *shape)
    return ExternalSpeaker(sink, audio.queue_ms), sink.close


def _open_microphone(audio: Audio, external: External, settings: AlsaSettings) -> tuple[WaitingMicrophone, Half]:
    if not _is_external_mic(external):
        opened, close = open_microphone(settings)
        return WatchedMicrophone(opened, opened.wait, label(settings.capture_device, "capture"), time.monotonic), close
    source = _open_source(audio, external)
    microphone = ExternalMicrophone(source)
    try:
        # one that does not begin has not been opened, and is tried again as seldom as one that cannot be
        while not microphone.wait(_FIRST_LOOK_S):
            pass
    except DeviceError:
        source.close()
        raise
    return microphone, source.close


def _open_source(audio: Audio, external: External) -> Source:
    if external.mic_command:
        return MicProgram(external.mic_command, external.mic_rate_hz, external.mic_channels, _wanted(audio))
    return MicService(str(external.mic_uri), _wanted(audio))
