import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.audio.levels import level_db
from satellite.core.units import PERIOD_FRAMES
from satellite.detect.canceller import CANCELLER_DELAY_FRAMES, MODERATE_SUPPRESSION, EchoCanceller
from tests.detect.conftest import Recording

# the user of this recording speaks from 2.326 s on; before that there is only echo
NEAR_END_FRAME = 37_200


def cancel(near: Samples, far: Samples, suppression: int = MODERATE_SUPPRESSION) -> Samples:
    canceller = EchoCanceller(suppression)
    starts = range(0, len(near) - PERIOD_FRAMES + 1, PERIOD_FRAMES)
    return np.concatenate([canceller.process(near[i : i + PERIOD_FRAMES], far[i : i + PERIOD_FRAMES]) for i in starts])


def test_echo_goes(recording: Recording) -> None:
    """After one second of reply the echo return loss enhancement is 15 dB and more."""
    near, far = recording("sim_dt_own_mic"), recording("sim_dt_own_lpb")
    clean = cancel(near, far)
    echo_only = slice(16000, NEAR_END_FRAME)
    assert level_db(near[echo_only]) - level_db(clean[echo_only]) >= 15.0


def test_user_stays_in_double_talk(recording: Recording) -> None:
    """What is left while both speak is louder by far than what is left of the echo alone."""
    clean = cancel(recording("sim_dt_own_mic"), recording("sim_dt_own_lpb"))
    alone, both = clean[16000:NEAR_END_FRAME], clean[NEAR_END_FRAME : NEAR_END_FRAME + 22_000]
    assert level_db(both) - level_db(alone) >= 15.0


@pytest.mark.parametrize("suppression", range(4))
def test_user_alone_passes_with_the_delay_we_say(recording: Recording, suppression: int) -> None:
    """Without an echo the user's words come through as they are, CANCELLER_DELAY_FRAMES late."""
    # the noise suppressor takes two seconds to learn the room; before, it takes 5 dB of the user as well
    quiet = (20 * np.random.default_rng(7).standard_normal(32_000)).astype(np.int16)
    near = recording("tts_lights_joe")
    clean = cancel(np.concatenate([quiet, near]), np.zeros(len(quiet) + len(near), np.int16), suppression)[len(quiet) :]
    sound = near[: len(clean) - 512].astype(np.float64)
    match = [float(np.dot(sound, clean[lag : lag + len(sound)])) for lag in range(512)]
    assert abs(int(np.argmax(match)) - CANCELLER_DELAY_FRAMES) <= 2
    assert abs(level_db(clean) - level_db(near)) < 1.0


def test_a_steady_noise_is_softer_by_level() -> None:
    """By 6, 12, 18 and 21 dB, less what a spectrum of its own costs."""
    noise = (100 * np.random.default_rng(7).standard_normal(96_000)).astype(np.int16)
    cleaned = [level_db(cancel(noise, np.zeros_like(noise), level)[-32_000:]) - level_db(noise) for level in range(4)]
    assert cleaned == [pytest.approx(expected, abs=1.0) for expected in (-6.0, -12.0, -17.8, -21.0)]
