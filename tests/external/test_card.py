"""What the configuration opens, and a whole conversation through two programs."""

import asyncio
import logging
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from satellite.audio.alsa import AlsaCard
from satellite.audio.card import Card, Samples
from satellite.audio.pair import PairedCard
from satellite.audio.watch import WatchedMicrophone, WatchedSpeaker
from satellite.check import run as check
from satellite.check.run import Told
from satellite.config import Audio, Config, External, Hub, Wake
from satellite.core import actions as act
from satellite.core.state import State
from satellite.core.units import RATE_HZ
from satellite.errors import ConfigError, DeviceError
from satellite.external import card as external_card
from satellite.external.card import alsa_settings, devices_for, is_external, open_card_for
from satellite.external.microphone import ExternalMicrophone
from satellite.external.speaker import ExternalSpeaker
from satellite.mock.agent import keyword_agent
from satellite.mock.hub import HubRule, MockHub
from satellite.mock.recogniser import TemplateRecogniser
from satellite.mock.recordings import SPOKEN, recording, trimmed
from satellite.mock.stt import MockStt
from satellite.mock.tts import MockTts
from satellite.service import Service
from tests.service.house import REPLY, REPLY_TEXT, SOON_S, Watcher, play_live

_ZEROS = "cat /dev/zero"


class _Half:
    """Of an ALSA card that is not there."""

    rate_hz, overruns, underruns, capacity_frames = 16_000, 0, 0, 480

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.is_closed = False

    def wait(self, timeout_s: float) -> bool:
        self.waits.append(timeout_s)
        return True

    def close(self) -> None:
        self.is_closed = True


def _opened(config: Config) -> Card:
    return open_card_for(config)()


def test_without_the_section_it_is_alsa(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """And nothing is said."""
    caplog.set_level(logging.INFO)
    asked = []
    monkeypatch.setattr(external_card, "open_card", lambda settings: asked.append(settings) or AlsaCard)
    _opened(Config(audio=Audio(microphone="plughw:2", microphone_channel=1)))
    assert (asked[0].capture_device, asked[0].capture_channel) == ("plughw:2", 1)
    assert not is_external(Config().external) and not caplog.records


def test_what_it_costs_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """When it is configured, not whenever it is opened: the audio thread never logs."""
    caplog.set_level(logging.INFO)
    open_external = open_card_for(Config(external=External(mic_command=_ZEROS, snd_command="tee")))
    assert [record.message[:9] for record in caplog.records] == ["external:"]
    for _ in range(2):
        card = open_external()
        assert isinstance(card.microphone, ExternalMicrophone) and isinstance(card.speaker, ExternalSpeaker)
        card.close()
        card.close()
    assert len(caplog.records) == 1


def test_a_microphone_program_beside_an_alsa_speaker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each half is given back by who has it."""
    half = _Half()
    monkeypatch.setattr(external_card, "open_speaker", lambda settings: (half, half.close))
    card = _opened(Config(external=External(mic_command=_ZEROS)))
    assert isinstance(card.speaker, WatchedSpeaker) and card.speaker.watched is half  # type: ignore[comparison-overlap]
    assert card.wait(1.0)
    card.close()
    assert half.is_closed


def test_an_alsa_microphone_beside_a_speaker_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for, and the speaker looked at meanwhile."""
    half = _Half()
    monkeypatch.setattr(external_card, "open_microphone", lambda settings: (half, half.close))
    card = _opened(Config(external=External(snd_command="tee", snd_rate_hz=48_000)))
    assert isinstance(card, PairedCard) and card.speaker.rate_hz == 48_000
    # what a driver does not say is noticed beside a program, too
    assert isinstance(card.microphone, WatchedMicrophone)
    assert card.wait(1.0) and half.waits == [0.01]
    card.close()
    assert half.is_closed


def test_a_half_that_will_not_open_gives_the_other_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else could have it."""
    half = _Half()
    monkeypatch.setattr(external_card, "open_speaker", lambda settings: (half, half.close))
    with pytest.raises(DeviceError, match="no_such_program"):
        _opened(Config(external=External(mic_command="no_such_program")))
    assert half.is_closed


def test_a_microphone_that_dies_at_once_has_not_been_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is tried again less and less often."""
    half = _Half()
    monkeypatch.setattr(external_card, "open_speaker", lambda settings: (half, half.close))
    with pytest.raises(DeviceError, match="ended with exit code 1"):
        _opened(Config(external=External(mic_command="false")))
    assert half.is_closed


@pytest.mark.parametrize(
    ("audio", "external", "why"),
    [
        (
            Audio(microphone_channel=2),
            External(mic_command=_ZEROS, mic_channels=2),
            "audio.microphone_channel: channel 2 is wanted",
        ),
        (Audio(reference="channel 5"), External(mic_command=_ZEROS), "audio.reference: channel 5 is wanted"),
        (Audio(), External(mic_command="rec 'x"), "external.mic_command: No closing quotation"),
        (Audio(), External(snd_command=" "), "external.snd_command: there is no command"),
    ],
)
def test_what_can_never_work_is_the_operators_mistake(audio: Audio, external: External, why: str) -> None:
    """Told at the start, with code 78."""
    with pytest.raises(ConfigError, match=why):
        open_card_for(Config(audio=audio, external=external))


def test_the_check_looks_at_what_is_configured() -> None:
    """Of a program it gets the wanted channel alone."""
    told = Told()
    audio = Audio(microphone_channel=1)
    config = Config(audio=audio, external=External(mic_command=_ZEROS, mic_channels=2, snd_command="tee"))
    card, heard = check._open(config, alsa_settings(audio), told)
    card.close()
    assert heard.microphone_channel == 0
    assert [line.split()[0] for line in told.lines] == ["Microphone", "Speaker"]
    assert "22100 Hz" in told.lines[1]


# gives a recording as it would have been spoken, and then silence
_RECORDER = """
import sys, time
sound = open(sys.argv[1], "rb").read()
begun, at = time.monotonic(), 0
while True:
    piece = sound[at:at + 320]
    sys.stdout.buffer.write(piece + bytes(320 - len(piece)))
    sys.stdout.buffer.flush()
    at += 320
    time.sleep(max(begun + at / 32000 - time.monotonic(), 0))
"""


def _has_sounded(sound: Samples, heard: Samples) -> bool:
    """Whether it is in there, as a resampling would leave it."""
    size = 1 << (len(heard) + len(sound)).bit_length()
    spectra = np.fft.rfft(heard.astype(np.float64), size), np.fft.rfft(sound.astype(np.float64), size)
    place = int(np.argmax(np.fft.irfft(spectra[0] * np.conj(spectra[1]), size)[: len(heard)]))
    found = heard[place : place + len(sound)].astype(np.float64)
    return len(found) == len(sound) and float(((found - sound) ** 2).sum()) < 0.05 * float((sound.astype(np.float64) ** 2).sum())


def test_a_conversation_through_two_programs(tmp_path: Path) -> None:
    """A wake word and a command come out of one, and the answer goes into the other."""
    said, heard, recorder = tmp_path / "said", tmp_path / "heard", tmp_path / "recorder.py"
    pause = np.zeros(RATE_HZ // 2, np.int16)
    noise = np.random.default_rng(1).normal(0.0, 8.0, 2 * RATE_HZ).astype(np.int16)
    said.write_bytes(np.concatenate((noise, recording("tts_alexa_heart"), pause, trimmed("tts_stop_joe"))).tobytes())
    recorder.write_text(_RECORDER)
    config = Config(
        hub=Hub(host="127.0.0.1", port=0, announce=False),
        audio=Audio(warm_up_dbfs=None, microphone_gain_db=0.5, auto_gain_db=6.0),
        external=External(
            mic_command=f"{sys.executable} {recorder} {said}", snd_command=f"tee {heard}", snd_rate_hz=RATE_HZ, snd_channels=1
        ),
        wake=msgspec.convert({"words": ["alexa"]}, Wake),
    )

    async def story() -> None:
        seen = Watcher()
        service = Service(config, open_card_for(config), seen)
        known = [(SPOKEN["tts_stop_joe"], trimmed("tts_stop_joe"))]
        async with MockStt(TemplateRecogniser(known).recognise) as stt, MockTts({REPLY_TEXT: REPLY}) as tts:
            port = await service.start()
            rule = replace(HubRule(), reconnect_s=0.2)
            hub = MockHub("127.0.0.1", port, stt.uri, tts.uri, keyword_agent({}, REPLY_TEXT), rule)
            hub.journal.listeners.append(lambda _: seen.note())
            try:
                await hub.start()
                await hub.journal.wait_for("played", 1, SOON_S)
                async with asyncio.timeout(SOON_S):
                    while service.state is not State.IDLE:
                        await seen.change()
            finally:
                await hub.stop()
                await service.stop()
        assert [entry.data["name"] for entry in hub.journal.of("detection")] == ["alexa"]
        assert [entry.data["text"] for entry in hub.journal.of("transcript", "sent")] == [SPOKEN["tts_stop_joe"]]
        assert len(seen.of(act.Play)) == 1

    play_live(story())
    assert _has_sounded(REPLY, np.frombuffer(heard.read_bytes()[: heard.stat().st_size // 2 * 2], np.int16))


def test_whoever_names_a_card_by_its_number_is_told_a_name_that_lasts(caplog: pytest.LogCaptureFixture) -> None:
    """Once, at the start, for each; names and what external programs stand for are nobody's business."""
    devices_for(Config(audio=Audio(microphone="plughw:99,0", speaker="plughw:CARD=Device,DEV=0")))
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("audio.microphone: the number in plughw:99,0 may be another card's")
