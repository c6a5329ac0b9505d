"""What the owner is told of recordings that have something wrong with them, and that he is told nothing of good ones."""

import pytest

from satellite.check.findings import findings, ser_db
from satellite.check.measure import measure
from satellite.config import Audio
from tests.check.sounds import ALONE, DEAD, GOOD, LOOPBACK, UNHEARD, Mic, recordings, with_

_ARRAY = [GOOD, DEAD, LOOPBACK]


def told(*mics: Mic, audio: Audio | None = None, **losses: int) -> list[str]:
    """The findings, problems with an exclamation mark."""
    found = findings(measure(recordings(*mics)), audio or Audio(), **losses)
    return [f"{'! ' if finding.is_problem else ''}{finding}" for finding in found]


def test_of_a_good_microphone_nothing_is_told() -> None:
    """Nor of an array whose channels are all as configured."""
    assert told(GOOD) == []
    assert told(*_ARRAY, audio=Audio(reference="channel 2")) == []


@pytest.mark.parametrize(
    ("mic", "begins", "advises"),
    [
        (DEAD, "! The microphone is silent", "mute switch"),
        (ALONE, "! Nothing was louder than the noise", "alsamixer"),
        (with_(ALONE, thump_db=-30.0), "! Something was heard", "Check again"),
        (UNHEARD, "! The microphone heard what the speaker played, but not you", "monitor"),
        (with_(UNHEARD, noise_db=None), "! The microphone heard what the speaker played, but not you", "monitor"),
        (with_(echo_db=None), "! The microphone did not hear the sound", "audio.speaker is another"),
        (with_(voice_db=-60.0, noise_db=-85.0, echo_db=-70.0), "! Your voice is very soft", "Raise the microphone"),
        (with_(gain_db=42.0, noise_db=-90.0, echo_db=-60.0), "! Your voice is clipped", "Turn the microphone down"),
        (with_(gain_db=40.0, noise_db=-80.0, voice_db=-55.0), "! What is played is clipped", "Turn the speaker down"),
        (with_(voice_db=-62.0), "! Your voice is very soft", "Raise"),
        (with_(echo_db=-20.0), "! Over an answer your voice will seldom be heard: it is 26 dB below", "Turn the speaker down"),
        (with_(echo_db=-29.0), "Over an answer your voice will not always be heard: it is 17 dB below", "twice the distance"),
        (with_(noise_db=-48.0), "Your voice is only 8 dB above the noise", "fans"),
        (with_(delay_ms=300.0), "What is played takes 300 ms", "plughw"),
        (with_(offset=0.05), "The microphone has an offset (DC) of 5.0%", "sound card"),
        (with_(offset=-0.05), "The microphone has an offset (DC) of -5.0%", "sound card"),
    ],
)
def test_one_thing_is_wrong(mic: Mic, begins: str, advises: str) -> None:
    """It comes first, and with it what to do."""
    first = told(mic)[0]
    assert first.startswith(begins)
    assert advises in first


def test_a_dead_microphone_is_told_once_as_silent() -> None:
    """And that it did not hear the sound, which follows from it but may have another cause too."""
    silent, unheard = told(DEAD)
    assert "not even noise" in silent and "did not hear the sound" in unheard


def test_an_echo_that_is_not_what_was_played() -> None:
    """Loud when the sound was played, and without its shape: the speaker is too late, or something else sounded."""
    made = recordings(with_(echo_db=None))
    other = recordings(with_(echo_db=None, noise_db=-40.0))
    first = findings(measure(type(made)(made.quiet, other.echo, made.voice, made.voiced)), Audio())[0]
    assert first.is_problem and first.what.startswith("Something was heard when the sound was played, but not that sound")


@pytest.mark.parametrize(
    ("mics", "audio", "expected"),
    [
        ([DEAD, GOOD], Audio(), ["! Your voice is in channel 1, and not in channel 0."]),
        (
            [LOOPBACK, GOOD],
            Audio(),
            ["! Your voice is in channel 1, and not in channel 0, which returns what the speaker plays.", "Channel 0 returns"],
        ),
        (_ARRAY, Audio(), ["Channel 2 returns what the speaker plays. Set audio.reference: channel 2"]),
        (_ARRAY, Audio(reference="channel 1"), ["! audio.reference is channel 1, which does not return"]),
        ([GOOD, GOOD], Audio(reference="channel 1"), ["! audio.reference is channel 1, which hears you"]),
        ([with_(noise_db=-50.0), GOOD], Audio(), ["Channel 1 hears you 15 dB more clearly. Try audio.microphone_channel: 1"]),
        ([DEAD, GOOD, with_(voice_db=-39.0)], Audio(), ["! Your voice is in channel 1, and not in channel 0."]),
        ([DEAD, GOOD, with_(voice_db=-34.0)], Audio(), ["! Your voice is in channel 2, and not in channel 0."]),
        ([GOOD, DEAD], Audio(microphone_channel=1), ["! Your voice is in channel 0, and not in channel 1."]),
    ],
)
def test_the_channels_of_an_array(mics: list[Mic], audio: Audio, expected: list[str]) -> None:
    """Which hears the user and which returns what is played, against what is configured; and nothing else is told."""
    found = told(*mics, audio=audio)
    assert len(found) == len(expected), found
    for finding, begins in zip(found, expected, strict=True):
        assert finding.startswith(begins)


def test_losses_are_told() -> None:
    """A busy machine is no fault of the device."""
    assert told(GOOD, overruns=2)[0].startswith("Sound was lost: 2 overruns of the microphone, 0 underruns")


def test_ser_is_the_voice_over_the_echo_of_an_answer() -> None:
    """An answer is 6 dB louder than the sound that was played."""
    measured = measure(recordings(GOOD))
    assert ser_db(measured.channels[0], measured.played_db) == pytest.approx(-6.0, abs=0.5)
    for unknown in (UNHEARD, with_(echo_db=None)):
        measured = measure(recordings(unknown))
        assert ser_db(measured.channels[0], measured.played_db) is None
