import numpy as np
import pytest
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.detect.loop_delay import measure_loop_delay
from tests.detect.conftest import Recording

# 1 ms
TOLERANCE_FRAMES = 16


def convolve(sound: NDArray[np.float64], response: Samples) -> NDArray[np.float64]:
    size = len(sound) + len(response)
    return np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response / 32768, size), size)[: len(sound)]


def scaled(sound: NDArray[np.float64], rms: float) -> NDArray[np.float64]:
    return sound * (rms / float(np.sqrt(np.mean(sound**2))))


def delayed(sound: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
    return np.concatenate([np.zeros(frames), sound])[: len(sound)]


def pink(length: int) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(np.random.default_rng(5).standard_normal(length))
    return scaled(np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 1.0), length), 3000)


def echo_of(reference: Samples, room: Samples, delay: int) -> NDArray[np.float64]:
    return scaled(delayed(convolve(reference.astype(np.float64), room), delay), 1500)


@pytest.mark.parametrize("delay_ms", [5, 20, 60, 120, 250])
def test_finds_the_echo_beside_a_user_as_loud(delay_ms: int, recording: Recording) -> None:
    """A reply in a reverberant room with a user at 0 dB beside it is placed to 1 ms."""
    reference, room = recording("heart_medium_67966")[16000:32000], recording("sim7_spk8cm")
    user = convolve(recording("tts_lights_joe")[:16000].astype(np.float64), recording("sim7_talk2m"))
    microphone = (echo_of(reference, room, delay_ms * 16) + scaled(user, 1500)).astype(np.int16)
    found = measure_loop_delay(reference, microphone)
    assert found is not None
    assert abs(found.frames - delay_ms * 16 - int(np.argmax(np.abs(room)))) <= TOLERANCE_FRAMES


def test_finds_half_a_second_of_warm_up_sound(recording: Recording) -> None:
    """Pink noise in a kitchen as loud as itself is enough, whichever way round the loudspeaker is wired."""
    reference, room = pink(8000).astype(np.int16), recording("sim7_spk8cm")
    kitchen = scaled(recording("kitchen_synth_short")[:8000].astype(np.float64), 1500)
    for polarity in (1, -1):
        found = measure_loop_delay(reference, (polarity * echo_of(reference, room, 1000) + kitchen).astype(np.int16))
        assert found is not None
        assert abs(found.frames - 1000 - int(np.argmax(np.abs(room)))) <= TOLERANCE_FRAMES


def test_unrelated_sounds_have_no_delay(recording: Recording) -> None:
    """A microphone that hears only the user, a kitchen or its own noise gives no answer rather than a wrong one."""
    reference = recording("heart_medium_67966")[16000:32000]
    noise = (30 * np.random.default_rng(6).standard_normal(16000)).astype(np.int16)
    for microphone in (recording("tts_lights_joe")[:16000], recording("kitchen_synth_short")[:16000], noise):
        assert measure_loop_delay(reference, microphone) is None


def test_silence_has_no_delay() -> None:
    """Digital silence on either side is no division by zero."""
    silence, sound = np.zeros(16000, np.int16), pink(16000).astype(np.int16)
    assert measure_loop_delay(silence, sound) is None
    assert measure_loop_delay(sound, silence) is None


def test_longer_paths_are_not_looked_for(recording: Recording) -> None:
    """An echo later than the limit is no answer, and no other lag is taken for it."""
    reference, room = recording("heart_medium_67966")[16000:32000], recording("sim7_spk8cm")
    microphone = echo_of(reference, room, 150 * 16).astype(np.int16)
    assert measure_loop_delay(reference, microphone, max_delay_ms=200) is not None
    assert measure_loop_delay(reference, microphone, max_delay_ms=100) is None
