"""What the loudspeaker does not explain: users however soft, and never the loudspeaker itself."""

from functools import cache
from itertools import islice

import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.audio.whoosh import whoosh
from satellite.core.echo import NEAR_END_DB, Excess
from satellite.core.units import PERIOD_FRAMES, RATE_HZ, SILENCE_DB
from satellite.detect.near_end import BANDS, NearEnd
from satellite.mock.recordings import trimmed
from satellite.simulate.room import ser_gain_db
from satellite.simulate.signals import Signal, pcm, signal
from tests.simulate.recordings import corpus_room, recording

REPLY = recording("heart_medium_67966")
_QUIET = np.zeros(RATE_HZ // 2, np.int16)
# half a second of noise floor, the sound that teaches the path, and the room after it
LESSON = np.concatenate((_QUIET, whoosh(RATE_HZ, -26.0), _QUIET))
# where in the reply the user begins, and where that is in the whole
INTO_REPLY = RATE_HZ * 13 // 10
ONSET = (len(LESSON) + INTO_REPLY) // PERIOD_FRAMES


def _noise(frames: int, dbfs: float, seed: int = 1) -> Signal:
    return (np.random.default_rng(seed).standard_normal(frames) * 10 ** (dbfs / 20)).astype(np.float32)


def _heard(played: Samples, user: Samples | None = None, ser_db: float = 0.0, path_gain: float = 1.0) -> Samples:
    """The microphone of a living room in which this is played, and somebody talks from the onset on."""
    room = corpus_room()
    sound = path_gain * room.echo_of(signal(played))[: len(played)] + _noise(len(played), -62.0)
    if user is not None:
        gain_db = ser_gain_db(room, REPLY, user, ser_db)
        voice = room.voice_of(signal(user)) * np.float32(10 ** (gain_db / 20))
        sound[ONSET * PERIOD_FRAMES :][: len(voice)] += voice[: len(sound) - ONSET * PERIOD_FRAMES]
    return pcm(sound)


def _periods(samples: Samples) -> list[Samples]:
    return [samples[at : at + PERIOD_FRAMES] for at in range(0, len(samples) - PERIOD_FRAMES + 1, PERIOD_FRAMES)]


@cache
def _played() -> Samples:
    return np.concatenate((LESSON, REPLY))


def _feed(detector: NearEnd, near: Samples, far: Samples) -> list[Excess]:
    return [detector.feed(n, f) for n, f in zip(_periods(near), _periods(far), strict=True)]


def test_our_own_reply_is_explained() -> None:
    """Direct sound, tail and pauses, once the path has been learnt from the start-up sound."""
    excess = _feed(NearEnd(), _heard(_played()), _played())
    assert max(e.now_db for e in excess[len(LESSON) // PERIOD_FRAMES :]) < NEAR_END_DB / 2


@pytest.mark.parametrize("ser_db", [0.0, -10.0, -15.0])
@pytest.mark.parametrize("name", ["tts_lights_joe", "tts_lights_heart", "tts_stop_joe"])
def test_a_user_is_not_explained_however_soft(name: str, ser_db: float) -> None:
    """At once where he is as loud as the echo; within 0.2 s where he is 15 dB softer. Before his onset there is nobody."""
    now = [e.now_db for e in _feed(NearEnd(), _heard(_played(), trimmed(name), ser_db), _played())]
    assert max(now[len(LESSON) // PERIOD_FRAMES : ONSET - 5]) < NEAR_END_DB
    assert max(now[ONSET : ONSET + 20]) >= NEAR_END_DB


def _ducked(user: Samples | None, path_gain: float = 1.0) -> tuple[NearEnd, list[Excess]]:
    """The reply is ducked 50 ms after the onset, of a user or of a louder path; what follows for 0.4 s."""
    far = _played().astype(np.float32)
    duck = (ONSET + 5) * PERIOD_FRAMES
    far[duck:] *= 0.1
    near = _heard(far.astype(np.int16), user, -10.0)
    if path_gain != 1.0:
        louder = _heard(far.astype(np.int16), path_gain=path_gain)
        near = np.concatenate((near[: ONSET * PERIOD_FRAMES], louder[ONSET * PERIOD_FRAMES :]))
    detector, probe = NearEnd(), []
    for n, (heard, played) in enumerate(zip(_periods(near), _periods(far.astype(np.int16)), strict=True)):
        if n == ONSET + 5:
            detector.calibrate()
        excess = detector.feed(heard, played)
        if ONSET + 10 <= n < ONSET + 50:
            probe.append(excess)
    return detector, probe


def test_in_a_probe_a_user_stands_out() -> None:
    """Whatever was heard at the duck counts as echo; he did not fall with it."""
    _, probe = _ducked(trimmed("tts_lights_heart"))
    assert max(e.in_probe_db for e in probe) >= 2 * NEAR_END_DB


def test_in_a_probe_a_path_that_became_louder_falls_with_the_reply() -> None:
    """All bands rise by 10 dB, which looks like everybody at once, and then they fall."""
    _, probe = _ducked(None, path_gain=10**0.5)
    assert max(e.now_db for e in probe) >= NEAR_END_DB
    assert max(e.in_probe_db for e in probe) < NEAR_END_DB


def test_what_fell_in_a_probe_is_learnt() -> None:
    """After a failed probe the louder path is not strange any more; outside of a probe nothing is said of one."""
    detector, _ = _ducked(None, path_gain=10 ** (5 / 20))
    detector.release()
    far = REPLY[RATE_HZ : 2 * RATE_HZ]
    excess = _feed(detector, _heard(far, path_gain=10 ** (5 / 20)), far)
    # the first windows hold the tail of what was before
    assert max(e.now_db for e in excess[20:]) < NEAR_END_DB
    assert all(e.in_probe_db == 0.0 for e in excess)


def test_a_fan_that_starts_is_noise_after_a_few_seconds() -> None:
    """It is strange at first, and then it is the room."""
    silence = np.zeros(RATE_HZ * 8, np.int16)
    near = pcm(np.concatenate((_noise(RATE_HZ, -62.0), _noise(RATE_HZ * 7, -40.0, seed=2))))
    now = [e.now_db for e in _feed(NearEnd(), near, silence)]
    assert max(now[100:120]) >= NEAR_END_DB
    assert max(now[500:]) < NEAR_END_DB


def test_silence_is_nobody() -> None:
    """Not even a digital one, in which every level is minus infinity."""
    silence = np.zeros(RATE_HZ, np.int16)
    assert {e.now_db for e in _feed(NearEnd(), silence, silence)} == {0.0}


def test_a_switch_on_the_microphone_teaches_nothing() -> None:
    """Digital silence is no noise of the room, and when the room is back, it is the one that was known."""
    room = pcm(_noise(RATE_HZ * 2, -60.0))
    near = np.concatenate((room, np.zeros(RATE_HZ * 5, np.int16), room))
    assert max(e.now_db for e in _feed(NearEnd(), near, np.zeros(len(near), np.int16))) < NEAR_END_DB


def test_no_sound_counts_for_more_than_its_bands() -> None:
    """Full scale in a quiet room, and a detector that is asked the same twice says the same twice."""
    near = pcm(np.concatenate((_noise(RATE_HZ, -80.0), _noise(RATE_HZ, 0.0, seed=2))))
    far = np.zeros(len(near), np.int16)
    once, twice = (_feed(NearEnd(), near, far) for _ in range(2))
    assert max(e.now_db for e in once) == pytest.approx(10.0 * BANDS)
    assert list(islice(once, 200)) == twice


def _television(seconds: float, dbfs: float) -> Samples:
    """Somebody who talks on and on, with room noise below."""
    talk = signal(np.tile(REPLY, 4))[: int(seconds * RATE_HZ)]
    level = np.float32(10 ** (dbfs / 20) / np.sqrt(np.mean(talk**2)))
    return pcm(talk * level + _noise(len(talk), -62.0))


def _after_television(is_talk: bool, idle_s: float = 15.0) -> tuple[NearEnd, Samples]:
    """A detector that has heard one while idle; and four seconds more of it."""
    detector, heard = NearEnd(), _television(idle_s + 4.0, -40.0)
    idle = int(idle_s * RATE_HZ)
    silence = np.zeros(PERIOD_FRAMES, np.int16)
    for period in _periods(heard[:idle]):
        detector.feed(period, silence, is_idle=True, is_talk=is_talk)
    return detector, heard[idle:]


def _beside(detector: NearEnd, near: Samples, is_talk: bool) -> list[Excess]:
    silence = np.zeros(PERIOD_FRAMES, np.int16)
    return [detector.feed(period, silence, is_idle=False, is_talk=is_talk) for period in _periods(near)]


def test_a_television_that_was_on_before_is_explained_and_whoever_is_louder_is_not() -> None:
    """Where it is talk; and what it reaches is told with it."""
    detector, more = _after_television(is_talk=True)
    excess = _beside(detector, more, is_talk=True)
    assert np.mean([e.now_db >= NEAR_END_DB for e in excess]) <= 0.05
    assert all(e.is_lively and -40.0 < e.background_db < -25.0 for e in excess)
    louder = pcm(signal(more) + 10.0 * np.roll(signal(more), RATE_HZ))
    detector, _ = _after_television(is_talk=True)
    assert max(e.now_db for e in _beside(detector, louder, is_talk=True)) >= 3 * NEAR_END_DB


def test_beside_other_sounds_nothing_is_explained_by_them() -> None:
    """Music is lively, and no talk: there the user's voice tells."""
    detector, more = _after_television(is_talk=False)
    excess = _beside(detector, more, is_talk=False)
    assert all(e.is_lively and e.background_db == SILENCE_DB for e in excess)
    assert np.mean([e.now_db >= NEAR_END_DB for e in excess]) > 0.5


def test_a_fan_is_not_lively() -> None:
    """However loud."""
    detector, silence = NearEnd(), np.zeros(PERIOD_FRAMES, np.int16)
    told = [detector.feed(period, silence, True, False) for period in _periods(pcm(_noise(5 * RATE_HZ, -35.0)))]
    assert not any(e.is_lively for e in told[100:])


def test_a_path_that_jumps_in_all_bands_falls_in_the_probe_in_bands_that_were_silent_at_the_duck() -> None:
    """By 20 dB, as when somebody turns the amplifier up: what is said next has other bands than what was said then."""
    _, probe = _ducked(None, path_gain=10.0)
    assert max(e.in_probe_db for e in probe) < NEAR_END_DB
