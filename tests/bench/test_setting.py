"""When and how loud things come, to the sample and the decibel."""

from dataclasses import replace

import numpy as np
import pytest

from satellite.bench.measure import outcome
from satellite.bench.scene import When
from satellite.bench.setting import ROOM_NOISE_DBFS, set_up
from satellite.bench.tracing import clear_ms, trace
from satellite.core.units import RATE_HZ, frames
from satellite.detect.canceller import EchoCanceller
from satellite.detect.silero import SileroVad
from satellite.simulate.room import Room, ser_gain_db
from satellite.simulate.signals import active_level_db, direct_path_frames, pcm, signal
from tests.bench.played import CORPUS, COUGH, FAR, KITCHEN, REPLY, USER, ours, plain, setting


def test_the_onset_is_the_first_sound_of_the_user_at_the_microphone() -> None:
    """So far into the reply as the dice said, and by his way through the air later; nothing of him is heard before it."""
    run_, set_ = plain(USER), setting(USER)
    assert run_.onset is not None
    way = direct_path_frames(set_.talker_ir)
    assert run_.onset == set_.starts_at(run_.plays[-1]) + round(set_.into_s * RATE_HZ) + way
    loudest = np.abs(run_.room.near.between(0, run_.end)).max()
    before = np.abs(run_.room.near.between(0, run_.onset - frames(1)))
    assert before.max() < 0.01 * loudest


@pytest.mark.parametrize(
    ("when", "least_s", "most_s"),
    [(When.BEFORE, -0.25, -0.25), (When.FIRST, 0.0, 0.3), (When.LAST, -0.3, -0.05)],
)
def test_the_user_begins_when_the_scene_says(when: When, least_s: float, most_s: float) -> None:
    """From the reply's begin, or in its last 300 ms from its end."""
    reply_s = len(CORPUS.wav(REPLY)) / RATE_HZ if when is When.LAST else 0.0
    for seed in range(5):
        into_s = set_up(replace(USER, when=when, seed=seed), CORPUS).into_s - reply_s
        assert least_s - 1e-9 <= into_s <= most_s + 1e-9


def test_a_noise_is_as_far_below_the_user_as_the_scene_says() -> None:
    """Both are levels of what is no pause; the room's own noise is beside it."""
    scene = replace(USER, noise=KITCHEN.noise, snr_db=5.0)
    set_ = set_up(scene, CORPUS)
    assert set_.words is not None
    room = Room(set_.echo_ir, set_.talker_ir, np.zeros(0, np.float32))
    gain_db = ser_gain_db(room, set_.replies[-1], set_.words, scene.ser_db)
    user_db = active_level_db(room.voice_of(signal(set_.words))) + gain_db
    assert user_db - active_level_db(set_.noise) == pytest.approx(5.0, abs=0.5)


def test_a_quiet_room_is_as_quiet_as_it_says() -> None:
    """-62 dB relative to full scale."""
    assert 10 * np.log10(np.mean(setting(USER).noise.astype(np.float64) ** 2)) == pytest.approx(ROOM_NOISE_DBFS, abs=0.1)


def test_what_was_played_reaches_the_microphone_by_the_shortest_way() -> None:
    """To the sample."""
    run_, given = plain(USER), trace(plain(USER))
    late = direct_path_frames(run_.setting.echo_ir)
    assert late > 0 and not given.far[:late].any()
    assert np.array_equal(given.far[late:], run_.room.given.between(0, len(given.near) - late))
    assert np.array_equal(given.near, run_.room.heard.between(0, len(given.near)))


def test_the_same_user_without_echo_is_the_same_computed_directly() -> None:
    """A room without a reply, from 3 s before him: the same window is the first that is sure."""
    run_ = plain(USER)
    assert run_.onset is not None
    begin = (run_.onset - 3 * RATE_HZ) // 160 * 160
    near = signal(run_.room.near.between(begin, run_.end)) + np.resize(np.roll(run_.setting.noise, -begin), run_.end - begin)
    canceller, detector, found = EchoCanceller(), SileroVad(hop_ms=32), None
    for at in range(0, len(near) - 159, 160):
        said = detector.feed(canceller.process(pcm(near[at : at + 160]), np.zeros(160, np.int16)))
        since = begin + at + 160 - run_.onset
        if found is None and since > 0 and said is not None and said >= 0.5:
            found = since / 16
    assert found is not None and clear_ms(run_) == found


def test_a_barge_in_is_silent_at_the_last_loud_sample() -> None:
    """Neither a sample earlier nor later: the one before is above -40 dB of the reply's level."""
    run_ = ours(FAR)
    found = outcome(run_, plain(FAR))
    assert run_.onset is not None and found.silent_ms is not None
    last = run_.onset + round(found.silent_ms * 16) - 1
    level = np.sqrt(np.mean(setting(FAR).replies[-1].astype(np.float64) ** 2))
    given = np.abs(run_.room.given.between(last, run_.end).astype(np.float64))
    assert given[0] > 0.01 * level
    assert (given[1:] <= 0.01 * level).all()


def test_after_a_cough_the_reply_is_heard_again_when_it_says() -> None:
    """It was silent, and goes on a third of a second after the cough; nobody was interrupted."""
    scene = replace(COUGH, seed=23)
    run_ = ours(scene)
    found = outcome(run_, plain(scene))
    assert found.commit_ms is None and found.silent_ms is not None and found.resume_ms is not None
    assert 0 < found.resume_ms <= 700 and found.stale == 0
    assert run_.said is not None and run_.onset is not None
    resumed = run_.said.end_frame + round(found.resume_ms * 16)
    silent = run_.onset + round(found.silent_ms * 16)
    assert run_.room.given.between(resumed, resumed + 1).any()
    assert not run_.room.given.between(silent + frames(100), resumed).any()
