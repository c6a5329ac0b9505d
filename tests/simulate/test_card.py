"""The simulated card in virtual time, to the sample."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import RealClock, VirtualClock
from satellite.simulate.signals import pcm
from tests.simulate.card_contract import CONTRACT, Factory, Subject, tone
from tests.simulate.recordings import corpus_room, recording
from tests.simulate.virtual import IR_FRAMES, OUT_LATENCY_FRAMES, START_S, let_pass, loud, opened, read_all


def subject(**settings: int | float) -> Subject:
    _, clock, card = opened(**settings)
    return Subject(card, lambda s: let_pass(clock, s * 1000))


FACTORIES: dict[str, Factory] = {
    "16 kHz": subject,
    "48 kHz": partial(subject, capture_rate_hz=48_000, playback_rate_hz=48_000, queue_ms=40),
    "on USB": partial(subject, jitter_ms=4.0),
    "48 kHz speaker of another clock": partial(subject, playback_rate_hz=48_000, ppm=-150.0),
}


@pytest.mark.parametrize("make", FACTORIES.values(), ids=FACTORIES.keys())
@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
def test_contract(check: Callable[[Factory], None], make: Factory) -> None:
    """The simulated card is a card, at either rate and with drift."""
    check(make)


@pytest.mark.parametrize("ms", [0.0, 3.0, 13.57])
def test_impulse_comes_back_at_its_sample(ms: float) -> None:
    """A written impulse is in the microphone stream after the speaker latency and the echo path, to the sample."""
    _, clock, card = opened()
    let_pass(clock, ms)
    click = np.zeros(160, np.int16)
    click[5] = 12_345
    card.speaker.write(click)
    begun = int(np.ceil(ms * 16 - 1e-3))
    let_pass(clock, 50)
    stream = np.concatenate(read_all(card))
    assert np.flatnonzero(stream).tolist() == [begun + 5 + OUT_LATENCY_FRAMES + IR_FRAMES]
    assert stream.max() == 12_345


def test_period_is_readable_exactly_after_the_input_latency() -> None:
    """A period is there 6 ms after its last frame, not a hundredth of a frame sooner, and `wait` ends right then."""
    _, clock, card = opened()
    clock.sleep_until(START_S + 0.016 - 0.01 / 16_000)
    assert card.microphone.read() is None
    assert card.wait(1.0)
    assert clock.now_s() == pytest.approx(START_S + 0.016, abs=1e-9)
    assert card.microphone.read() is not None
    assert not card.wait(0.009)
    assert clock.now_s() == pytest.approx(START_S + 0.025, abs=1e-9)


@pytest.mark.parametrize("asked_before", [True, False])
def test_drop_discards_exactly_what_is_queued(asked_before: bool) -> None:
    """The cone moved for all frames clocked out before the drop, and for none after."""
    room, clock, card = opened()
    reply, played = loud(480), int(12.34 * 16)
    card.speaker.write(reply)
    let_pass(clock, 12.34)
    if asked_before:
        assert card.speaker.queued() == 480 - played
    card.speaker.drop()
    let_pass(clock, 100)
    read_all(card)
    cone = room.cone.between(0, room.end_frame)
    assert np.array_equal(cone[OUT_LATENCY_FRAMES:][:played], reply[:played])
    assert np.count_nonzero(cone) == played


def test_written_samples_are_the_cards_own() -> None:
    """A caller may use its buffer again at once."""
    room, clock, card = opened()
    buffer = loud(160)
    written = buffer.copy()
    card.speaker.write(buffer)
    buffer[:] = 0
    let_pass(clock, 50)
    read_all(card)
    assert np.array_equal(room.cone.between(16, 176), written)


@pytest.mark.parametrize("playback_ppm", [0.0, 90.0])
def test_counts_never_lie(playback_ppm: float) -> None:
    """Through random writes, drops and underruns, played is accepted less dropped, in order; nothing else sounds."""
    room, clock, card = opened(ppm=playback_ppm)
    random, played, waiting = np.random.default_rng(5), [], np.zeros(0, np.int16)
    for turn in range(600):
        let_pass(clock, float(random.uniform(0, 12)))
        gone = len(waiting) - card.speaker.queued()
        played.append(waiting[:gone])
        waiting = waiting[gone:]
        offered = loud(int(random.integers(0, 300)), seed=turn)
        if random.random() < 0.05:
            card.speaker.drop()
            waiting = waiting[:0]
        taken = card.speaker.write(offered)
        assert taken == min(len(offered), 480 - len(waiting))
        waiting = np.concatenate([waiting, offered[:taken]])
    card.speaker.drop()
    let_pass(clock, 100)
    read_all(card)
    cone = room.cone.between(0, room.end_frame).astype(np.float64)
    expected = np.concatenate(played).astype(np.float64)
    assert card.speaker.underruns > 10
    if playback_ppm == 0:
        assert np.array_equal(cone[cone != 0], expected)
    else:
        assert cone.sum() == pytest.approx(expected.sum(), rel=1e-3)


def test_underrun_ends_the_run_and_the_next_write_starts_at_once() -> None:
    """After the queue ran dry the speaker is silent, and a write sounds from the moment it is made."""
    room, clock, card = opened()
    card.speaker.write(loud(160))
    let_pass(clock, 20)
    assert (card.speaker.queued(), card.speaker.underruns) == (0, 1)
    card.speaker.write(loud(160))
    let_pass(clock, 50)
    read_all(card)
    sounding = np.flatnonzero(room.cone.between(0, room.end_frame)) - OUT_LATENCY_FRAMES
    assert sounding.tolist() == [*range(160), *range(320, 480)]


def test_round_trip_at_48_khz() -> None:
    """Sound below 6 kHz comes back at its sample, unchanged to 0.1 %, through both conversions."""
    _, _clock, card = opened(capture_rate_hz=48_000, playback_rate_hz=48_000)
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(9600))
    spectrum[1200:] = 0
    sound = pcm((0.2 * np.fft.irfft(spectrum)).astype(np.float32))
    written, heard = 0, []
    for _ in range(40):
        written += card.speaker.write(sound[written : written + 1440])
        assert card.wait(1.0)
        heard += read_all(card)
    stream = np.concatenate(heard).astype(np.float64)
    delay = 3 * (OUT_LATENCY_FRAMES + IR_FRAMES)
    error = stream[delay + 200 : delay + 9400] - sound[200:9400]
    assert written == 9600
    assert np.sqrt((error**2).mean() / (sound.astype(np.float64) ** 2).mean()) < 1e-3


def test_crystals_drift_apart() -> None:
    """A playback crystal 200 ppm fast takes 200 ppm more frames in the same time, and the last one sounds early."""
    room, clock, card = opened(ppm=200.0)
    accepted, total = 0, 160_000
    sound = np.zeros(total, np.int16)
    sound[total - 100] = 20_000
    while accepted < total:
        accepted += card.speaker.write(sound[accepted : accepted + 480])
        let_pass(clock, 10)
        read_all(card)
    let_pass(clock, 100)
    read_all(card)
    heard_at = int(np.argmax(room.cone.between(0, room.end_frame)))
    assert heard_at == round((total - 100) / 1.0002) + OUT_LATENCY_FRAMES


def test_what_sounds_does_not_depend_on_how_often_the_card_is_served() -> None:
    """Polled every 0.7 ms or every 9.9 ms, the same writes at the same times give the same record."""
    reply, records = recording("heart_medium_67966"), []
    for poll_ms in (0.7, 9.9):
        room, clock = corpus_room(), VirtualClock(START_S)
        card = SimulatedCard(room, clock)
        for period in range(60):
            clock.sleep_until(START_S + period / 100)
            assert card.speaker.write(reply[period * 160 : period * 160 + 160]) == 160
            while clock.now_s() + poll_ms / 1000 < START_S + (period + 1) / 100 - 1e-4:
                let_pass(clock, poll_ms)
                card.speaker.queued()
                card.microphone.read()
        records.append(room.heard.between(0, 9000))
    assert records[0].any()
    assert np.abs(records[0].astype(int) - records[1]).max() <= 1


def test_times_of_the_room_are_times_of_the_clock() -> None:
    """A frame of the room and a time of the clock are converted both ways; a second card goes on where the room is."""
    room, clock, card = opened()
    let_pass(clock, 100)
    read_all(card)
    assert card.air_frame(clock.now_s()) == 1600
    assert card.time_of(800) == pytest.approx(START_S + 0.05)
    let_pass(clock, 500)
    second = SimulatedCard(room, clock)
    assert second.air_frame(clock.now_s()) == room.end_frame
    let_pass(clock, 16)
    assert len(read_all(second)) == 1


@pytest.mark.parametrize(
    "side", [{"playback_rate_hz": 48_000, "out_latency_ms": 0.5}, {"capture_rate_hz": 48_000, "in_latency_ms": 0.5}]
)
def test_filters_need_their_latency(side: dict[str, float]) -> None:
    """A card that would have to know the future is refused."""
    with pytest.raises(ValueError, match="latency of 1 ms"):
        opened(**side)


def test_without_filters_there_need_be_no_latency() -> None:
    """At the rate of the air both latencies may be zero, and the impulse comes back with the echo path's delay only."""
    _, clock, card = opened(out_latency_ms=0.0, in_latency_ms=0.0)
    card.speaker.write(tone(1))
    let_pass(clock, 10)
    assert np.flatnonzero(np.concatenate(read_all(card))).tolist() == [IR_FRAMES]


def test_real_clock_waits_until_then() -> None:
    """The machine's clock is not left before the asked time, and a time past is no wait."""
    clock = RealClock()
    begin_s = clock.now_s()
    clock.sleep_until(begin_s - 1)
    clock.sleep_until(begin_s + 0.002)
    assert 0.002 <= clock.now_s() - begin_s < 1
