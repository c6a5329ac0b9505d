"""The whole check on a simulated card, in virtual time; the user answers when asked."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from satellite import __version__
from satellite.audio.alsa import AlsaSettings
from satellite.audio.card import Channels, Samples
from satellite.check.findings import REPLY_DBFS, Finding
from satellite.check.run import Told, examine, run_check, voiced
from satellite.cli import EXIT_CONFIG, main
from satellite.config import Audio, Config
from satellite.core.units import frames
from satellite.detect.silero import SileroVad
from satellite.errors import DeviceError, SatelliteError
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import VirtualClock
from satellite.simulate.room import Room, ser_gain_db
from satellite.simulate.signals import Signal, active_level_db, signal
from tests.audio.test_alsa import FakeAlsa, FakePcm
from tests.simulate.recordings import corpus_room, recording
from tests.simulate.virtual import START_S

NOISE: Signal = (np.random.default_rng(1).standard_normal(160_000) * 10 ** (-65 / 20)).astype(np.float32)


class Asked(Told):
    """Somebody who says a sentence when asked to."""

    def __init__(self, room: Room, gain_db: float | None) -> None:
        super().__init__()
        self._room, self._gain_db = room, gain_db

    def progress(self, text: str, end: str = " ") -> None:
        super().progress(text, end)
        if text.startswith("SAY SOMETHING") and self._gain_db is not None:
            self._room.say(recording("tts_lights_joe"), self._room.end_frame + frames(500), self._gain_db)


class Array:
    """A simulated microphone that is one of two channels; the other is given."""

    def __init__(self, card: SimulatedCard, other: Callable[[Samples], Samples], first: bool) -> None:
        self._card, self._other, self._first = card, other, first
        self.every_channel: Channels | None = None
        self.speaker, self.wait, self.close = card.speaker, card.wait, card.close

    @property
    def microphone(self) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._card.microphone, name)

    def read(self) -> Samples | None:
        period = self._card.microphone.read()
        if period is not None:
            both = [period, self._other(period)]
            self.every_channel = np.stack(both if self._first else both[::-1])
        return period


@pytest.fixture(scope="module")
def detector() -> SileroVad:
    return SileroVad()


def checked(
    detector: SileroVad,
    room: Room | None = None,
    gain_db: float | None = 18.0,
    audio: Audio | None = None,
    around: Callable[[SimulatedCard], Any] = lambda card: card,
    **settings: Any,
) -> tuple[list[Finding], list[str]]:
    """The findings, and what was printed."""
    room = room or corpus_room(NOISE)
    card = SimulatedCard(room, VirtualClock(START_S), **settings)
    told = Asked(room, gain_db)
    return examine(around(card), audio or Audio(), lambda samples: voiced(samples, detector), told), told.lines


def silent(period: Samples) -> Samples:
    return np.zeros_like(period)


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_a_good_room(detector: SileroVad, rate_hz: int) -> None:
    """Nothing is told, and level, delay and SER are those of the room."""
    room = corpus_room(NOISE)
    answer = recording("heart_medium_67966")
    # the answer as it is, and as it is assumed to be
    softer_db = REPLY_DBFS - active_level_db(signal(answer))
    gain_db = ser_gain_db(room, answer, recording("tts_lights_joe"), -5.0 + softer_db)
    found, lines = checked(detector, room, gain_db, capture_rate_hz=rate_hz, playback_rate_hz=rate_hz)
    assert found == []
    figures = dict(line.split(maxsplit=1) for line in lines)
    assert figures["Noise"] == "-65 dBFS"
    # two periods that were queued before it, 7 ms of converters, and the air
    assert "loop delay 29 ms" in figures["Echo"]
    assert float(figures["SER"].split()[0]) == pytest.approx(-5.0, abs=2.0)


def test_nobody_speaks(detector: SileroVad) -> None:
    """A room in which only the sound was heard."""
    (found,) = checked(detector, gain_db=None)[0]
    assert found.is_problem and "heard what the speaker played, but not you" in found.what


def test_a_speaker_that_nobody_hears(detector: SileroVad) -> None:
    """It was in another room, or at volume 0."""
    deaf = Room(np.zeros(1, np.float32), signal(recording("sim7_talk2m")), NOISE)
    found = checked(detector, deaf)[0]
    assert [finding.what for finding in found] == ["The microphone did not hear the sound that was played."]


@pytest.mark.parametrize(
    ("first", "audio", "begins"),
    [
        (False, Audio(), "Your voice is in channel 1, and not in channel 0."),
        (True, Audio(microphone_channel=1), "Your voice is in channel 0, and not in channel 1."),
        (True, Audio(reference="channel 1"), "audio.reference is channel 1, which does not return"),
    ],
)
def test_the_wrong_channel_of_an_array(detector: SileroVad, first: bool, audio: Audio, begins: str) -> None:
    """All channels are recorded, whatever is configured."""
    found = checked(detector, audio=audio, around=lambda card: Array(card, silent, first))[0]
    assert found[0].is_problem and found[0].what.startswith(begins)


def test_a_microphone_that_clips(detector: SileroVad) -> None:
    """A user 30 dB too loud for it."""
    found = checked(detector, gain_db=48.0)[0]
    assert found[0].is_problem and found[0].what.startswith("Your voice is clipped")


def test_a_microphone_that_gives_nothing(detector: SileroVad) -> None:
    """It is not waited for without end."""

    def stalled(card: SimulatedCard) -> SimulatedCard:
        card.stall(60_000)
        return card

    with pytest.raises(DeviceError, match="microphone was opened, and then gave nothing"):
        checked(detector, around=stalled)


def test_a_speaker_that_takes_nothing(detector: SileroVad) -> None:
    """Nor is the end of a sound that does not begin."""

    class Stuck(Array):
        def __init__(self, card: SimulatedCard) -> None:
            super().__init__(card, silent, True)
            self.speaker = StuckSpeaker()  # type: ignore[assignment]

    with pytest.raises(DeviceError, match="speaker was opened, and then took no sound"):
        checked(detector, around=Stuck)


class StuckSpeaker:
    """Its queue is full and stays so."""

    rate_hz, capacity_frames, underruns = 16_000, 480, 0

    def queued(self) -> int:
        return 480

    def write(self, samples: Samples) -> int:
        return 0


def test_losses_are_counted(detector: SileroVad) -> None:
    """Of what was recorded, and told last."""

    def losing(card: SimulatedCard) -> SimulatedCard:
        card.inject_xrun("mic")
        return card

    (found,) = checked(detector, around=losing)[0]
    assert not found.is_problem and found.what.startswith("Sound was lost: 1 overruns")


# ---- the command


def test_a_device_that_does_not_open_is_told_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a line with advice, and in the report beside all that a helper asks next; there is no sound to play for that."""
    report = tmp_path / "report.txt"
    settings = AlsaSettings("no_such_microphone", "no_such_speaker")
    code = run_check(Config(audio=Audio(microphone="no_such_microphone")), settings, "here.yaml", report)
    printed, written = capsys.readouterr().out, report.read_text("utf-8")
    assert code == 1
    assert "MEND  capture device 'no_such_microphone': No such" in printed
    assert "`satellite devices` lists what there is" in printed and "swapped" not in printed
    assert f"The report is in {report}" in printed
    for said in (
        "Configuration: here.yaml: good.",
        "MEND  capture device",
        f"satellite {__version__}",
        "Python 3.",
        "numpy 2.",
        "/proc/asound/cards" if not Path("/proc/asound/cards").exists() else "== Cards ==",
        "Microphones:",
        'audio.microphone: "no_such_microphone"',
        "barge_in.commit_ms: null",
    ):
        assert said in written


class OneWay(FakeAlsa):
    """A microphone that does not play, and a speaker that does not hear; with another reason they could, but not just now."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self._reason = reason

    def PCM(self, kind: int, mode: int, **asked: Any) -> FakePcm:
        if (asked["device"] == "mic") != (kind == self.PCM_CAPTURE):
            raise OSError(f"{self._reason} [{asked['device']}]")
        return super().PCM(kind, mode, **asked)


@pytest.mark.parametrize(
    ("microphone", "speaker", "reason", "swapped"),
    [
        ("speaker", "mic", "No such file or directory", True),
        ("speaker", "mic", "Device or resource busy", False),
        ("speaker", "speaker", "No such file or directory", False),
        ("mic", "mic", "No such file or directory", False),
    ],
)
def test_swapped_devices(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    microphone: str,
    speaker: str,
    reason: str,
    swapped: bool,
) -> None:
    """Each has only the other's direction; one name for both cannot be swapped, and one that is held says nothing."""
    monkeypatch.setitem(sys.modules, "alsaaudio", OneWay(reason))
    assert run_check(Config(), AlsaSettings(microphone, speaker), "", None) == 1
    output = capsys.readouterr().out
    assert reason in output and ("look swapped" in output) is swapped


def test_what_is_cut_short_does_not_hide_what_follows(capsys: pytest.CaptureFixture[str]) -> None:
    """A line of its own for every finding; and what is going on is not for the report."""
    told = Told()
    told.progress("Recording ...")
    told.line("It is gone.")
    assert capsys.readouterr().out == "Recording ... \nIt is gone.\n"
    assert told.lines == ["It is gone."]


def test_a_report_that_cannot_be_written_is_told_before_anybody_has_to_speak(tmp_path: Path) -> None:
    """Not after."""
    with pytest.raises(SatelliteError, match=r"--report .*: Is a directory"):
        run_check(Config(), AlsaSettings("no_such_microphone"), "", tmp_path)


def test_a_mistake_in_the_configuration_comes_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also one that only the models know of."""
    file = tmp_path / "config.yaml"
    file.write_text("wake: {words: [no_such_word]}\n")
    assert main(["check", "--config", str(file)]) == EXIT_CONFIG
    assert "no_such_word" in capsys.readouterr().err


def test_the_command_names_where_the_configuration_comes_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file and the variables."""
    file = tmp_path / "config.yaml"
    file.write_text("audio: {microphone: no_such_microphone}\n")
    monkeypatch.setenv("SATELLITE_NAME", "Kitchen")
    assert main(["check", "--config", str(file)]) == 1
    assert f"Configuration: {file}, SATELLITE_NAME: good." in capsys.readouterr().out
