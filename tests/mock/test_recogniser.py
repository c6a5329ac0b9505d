"""The recogniser in a simulated room: loudspeaker and talker have measured paths to the microphone."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.mock.recogniser import TemplateRecogniser
from satellite.mock.recordings import ANSWER, SPOKEN, recording
from satellite.mock.recordings import COMMAND as LIGHTS

PROMPT = "heart_medium_67966"
USERS = [name for name, text in SPOKEN.items() if text != ANSWER]


@cache
def recogniser() -> TemplateRecogniser:
    return TemplateRecogniser([(SPOKEN[name], recording(name)) for name in USERS])


def through(room: str, samples: Samples) -> NDArray[np.float64]:
    """What arrives at the microphone, at a full scale of 1 RMS."""
    path = recording(room).astype(np.float64)
    size = len(samples) + len(path)
    heard = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(path, size), size)
    return np.asarray(heard / np.sqrt((heard**2).mean()))


def recorded(signal: NDArray[np.float64], level: float = 2000.0) -> Samples:
    return np.clip(signal * level, -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("name", USERS)
def test_what_is_said_at_two_metres_is_recognised(name: str) -> None:
    """Every user's recording is found behind three seconds of silence, quiet or loud."""
    said = np.pad(through("sim7_talk2m", recording(name)), (48000, 8000))
    assert [recogniser().recognise(recorded(said, level)) for level in (30.0, 3000.0)] == [SPOKEN[name]] * 2


@pytest.mark.parametrize("name", USERS)
def test_echo_and_noise_do_not_hide_it(name: str) -> None:
    """Leftovers of our own speech 6 dB below the user and a kitchen 15 dB below change nothing."""
    said = through("sim7_talk2m", recording(name))
    echo = through("sim7_spk8cm", recording(PROMPT))[8000 : 8000 + len(said)]
    kitchen = recording("kitchen_synth_short")[: len(said)].astype(np.float64)
    kitchen *= 0.18 / np.sqrt((kitchen**2).mean())
    assert recogniser().recognise(recorded(said + 0.5 * echo + kitchen)) == SPOKEN[name]


@pytest.mark.parametrize("name", ["tts_lights_joe", "tts_lights_heart"])
def test_a_missing_end_is_forgiven_and_a_missing_two_thirds_is_not(name: str) -> None:
    """200 ms less of the last word is still the sentence; its first 400 ms are not."""
    clean = recogniser().matches(recording(name))[0]
    said = recorded(through("sim7_talk2m", recording(name)))
    assert recogniser().recognise(said[: (clean.end_ms - 264) * 16]) == LIGHTS
    assert recogniser().recognise(said[: (clean.start_ms + 464) * 16]) == ""


@pytest.mark.parametrize("name", ["cough_synth_1", "kitchen_synth_short", PROMPT, "sim_dt_own_mic", "sim_dt_own_lpb"])
def test_anything_else_is_nothing(name: str) -> None:
    """Coughs, noise and other speech, of the same voices too, give no text, with the room and without."""
    assert recogniser().recognise(recording(name)) == ""
    assert recogniser().recognise(recorded(through("sim7_talk2m", recording(name)))) == ""


def test_the_same_words_of_another_recording_are_nothing() -> None:
    """It knows recordings, not words."""
    only_joe = TemplateRecogniser([(LIGHTS, recording("tts_lights_joe"))])
    assert only_joe.recognise(recording("tts_lights_heart")) == ""


def test_several_utterances_come_in_their_order() -> None:
    """Each is one match with its place."""
    said = np.concatenate([recording("tts_alexa_joe"), recording("tts_lights_heart"), recording("tts_stop_joe")])
    matches = recogniser().matches(said)
    assert [m.text for m in matches] == ["Alexa", LIGHTS, "Stop."]
    # where the words begin in the recordings, less half a window of 64 ms
    assert [round(m.start_ms, -2) for m in matches] == [500, 2100, 4100]


@pytest.mark.parametrize("samples", [0, 1, 159, 16000])
def test_silence_of_any_length_is_nothing(samples: int) -> None:
    """Nothing, a sample, and a second of zeros."""
    assert recogniser().recognise(np.zeros(samples, np.int16)) == ""


def test_a_drifting_clock_does_not_matter() -> None:
    """200 ppm between the two sound cards are tolerated."""
    said = through("sim7_talk2m", recording("tts_lights_heart"))
    drifted = np.interp(np.arange(0, len(said) - 1, 1.0002), np.arange(len(said)), said)
    assert recogniser().recognise(recorded(drifted)) == LIGHTS


def test_without_recordings_nothing_is_known() -> None:
    """An empty recogniser answers, too."""
    assert TemplateRecogniser([]).recognise(recording("tts_stop_joe")) == ""
