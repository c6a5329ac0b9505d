"""What every implementation of `satellite.audio.card.Card` promises, as checks that take a factory of cards."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from satellite.audio.card import Card, Samples

# longer than any queue or capture buffer that a card may have
LONG_S = 1.0


@dataclass(frozen=True, slots=True)
class Subject:
    """A card just opened, and how time passes for it."""

    card: Card
    let_pass: Callable[[float], None]


Factory = Callable[[], Subject]


def tone(frames: int) -> Samples:
    """Samples without a silent one among them."""
    return np.resize(np.array([1000, -1000], np.int16), frames)


def start_capture(card: Card) -> None:
    """A card may begin to capture when it is first asked."""
    assert card.microphone.read() is None


def an_idle_speaker_has_nothing_queued(make: Factory) -> None:
    subject = make()
    with closing(subject.card) as card:
        subject.let_pass(LONG_S)
        assert card.speaker.queued() == 0
        assert card.speaker.underruns == 0


def a_write_takes_what_fits_and_says_so(make: Factory) -> None:
    with closing(make().card) as card:
        capacity = card.speaker.capacity_frames
        assert card.speaker.write(tone(capacity // 2)) == capacity // 2
        taken = card.speaker.write(tone(capacity))
        assert 0 < taken < capacity
        assert capacity // 2 < card.speaker.queued() <= capacity


def an_empty_write_starts_nothing(make: Factory) -> None:
    subject = make()
    with closing(subject.card) as card:
        assert card.speaker.write(tone(0)) == 0
        subject.let_pass(LONG_S)
        assert card.speaker.underruns == 0


def the_queue_is_clocked_out_as_time_passes(make: Factory) -> None:
    subject = make()
    with closing(subject.card) as card:
        card.speaker.write(tone(card.speaker.capacity_frames))
        before = card.speaker.queued()
        subject.let_pass(0.01)
        assert 0 < card.speaker.queued() <= before - card.speaker.rate_hz // 200


def a_fed_speaker_does_not_underrun(make: Factory) -> None:
    subject = make()
    with closing(subject.card) as card:
        accepted = 0
        for _ in range(50):
            accepted += card.speaker.write(tone(card.speaker.capacity_frames))
            subject.let_pass(0.01)
        assert card.speaker.underruns == 0
        assert accepted >= card.speaker.rate_hz * 45 // 100


def a_dry_queue_is_one_underrun_and_the_next_write_plays(make: Factory) -> None:
    subject = make()
    with closing(subject.card) as card:
        for count in (1, 2):
            assert card.speaker.write(tone(card.speaker.rate_hz // 100)) > 0
            subject.let_pass(LONG_S)
            assert card.speaker.queued() == 0
            assert card.speaker.underruns == count


def a_drop_empties_the_queue_and_is_no_underrun(make: Factory) -> None:
    subject = make()
    with closing(subject.card) as card:
        card.speaker.write(tone(card.speaker.capacity_frames))
        card.speaker.drop()
        assert card.speaker.queued() == 0
        subject.let_pass(LONG_S)
        assert card.speaker.underruns == 0


def a_write_after_a_drop_starts_anew(make: Factory) -> None:
    with closing(make().card) as card:
        for _ in range(3):
            card.speaker.drop()
            assert card.speaker.write(tone(card.speaker.capacity_frames)) == card.speaker.capacity_frames
            assert card.speaker.queued() > 0


def no_period_is_there_at_once(make: Factory) -> None:
    with closing(make().card) as card:
        assert card.microphone.read() is None
        assert not card.wait(0.0)


def a_wait_ends_with_a_period_of_ten_ms(make: Factory) -> None:
    with closing(make().card) as card:
        for _ in range(10):
            assert card.wait(LONG_S)
            period = card.microphone.read()
            assert period is not None
            assert period.dtype == np.int16
            assert period.shape == (card.microphone.rate_hz // 100,)
        assert card.microphone.overruns == 0


def the_microphone_runs_whether_or_not_it_is_read(make: Factory) -> None:
    subject = make()
    with closing(subject.card) as card:
        start_capture(card)
        subject.let_pass(0.1)
        periods = 0
        while card.microphone.read() is not None:
            periods += 1
        assert 8 <= periods <= 11
        assert card.microphone.overruns == 0


def an_unread_microphone_overruns_and_goes_on(make: Factory) -> None:
    subject = make()
    with closing(subject.card) as card:
        start_capture(card)
        subject.let_pass(LONG_S)
        while card.microphone.read() is not None:
            pass
        assert card.microphone.overruns == 1
        assert card.wait(LONG_S)
        assert card.microphone.read() is not None
        assert card.microphone.overruns == 1


def the_speaker_plays_while_nobody_reads(make: Factory) -> None:
    subject = make()
    with closing(subject.card) as card:
        for _ in range(50):
            card.speaker.write(tone(card.speaker.capacity_frames))
            subject.let_pass(0.01)
        assert card.speaker.underruns == 0


def closing_twice_is_harmless(make: Factory) -> None:
    card = make().card
    card.speaker.write(tone(card.speaker.capacity_frames))
    card.close()
    card.close()


CONTRACT: tuple[Callable[[Factory], None], ...] = (
    an_idle_speaker_has_nothing_queued,
    a_write_takes_what_fits_and_says_so,
    an_empty_write_starts_nothing,
    the_queue_is_clocked_out_as_time_passes,
    a_fed_speaker_does_not_underrun,
    a_dry_queue_is_one_underrun_and_the_next_write_plays,
    a_drop_empties_the_queue_and_is_no_underrun,
    a_write_after_a_drop_starts_anew,
    no_period_is_there_at_once,
    a_wait_ends_with_a_period_of_ten_ms,
    the_microphone_runs_whether_or_not_it_is_read,
    an_unread_microphone_overruns_and_goes_on,
    the_speaker_plays_while_nobody_reads,
    closing_twice_is_harmless,
)
