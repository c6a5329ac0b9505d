"""A stretch of voice: what makes it words."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satellite.core.burst import ACTIVE_PROBABILITY, MEMORY_FRAMES, Burst, BurstRule, Judgement
from satellite.core.events import VoiceWindow
from satellite.core.units import SILENCE_DB, Decibels, Frames, Millis, Probability, frames, millis
from tests.core.driver import BREATH, VOWEL, WINDOW_MS, window

RULE = BurstRule()
WINDOW = frames(WINDOW_MS)

# over and done with
QUIET = -(-RULE.quiet_ms // WINDOW_MS)

# so many windows are words, however they sound
LONG = -(-RULE.commit_ms // WINDOW_MS)

# so many are long enough to be one, if the detector is sure, and if they are vowels
WORD = -(-RULE.shortest_ms // WINDOW_MS)
VOWELS = -(-RULE.vowels_ms // WINDOW_MS)


def _burst(*stretches: tuple[int, float], voicing: float = VOWEL) -> Burst:
    """So many windows of each probability."""
    burst, end_ms = Burst(), 0
    for count, probability in stretches:
        for _ in range(count):
            end_ms += WINDOW_MS
            burst = burst.add(window(end_ms, WINDOW_MS, probability, voicing))
    return burst


def test_nothing_is_open() -> None:
    """Not a window was heard yet, so nothing has been quiet either."""
    assert Burst().judge(RULE) is Judgement.OPEN
    assert (Burst().active_ms, Burst().quiet_ms(RULE), Burst().onset, Burst().voicing) == (0, 0, None, 0.0)


@pytest.mark.parametrize("voicing", [VOWEL, BREATH])
def test_enough_speech_is_words_at_once(voicing: float) -> None:
    """Not a window sooner, and whatever it sounds like."""
    assert _burst((LONG - 1, 0.95), voicing=voicing).judge(RULE) is Judgement.OPEN
    assert _burst((LONG, 0.95), voicing=voicing).judge(RULE) is Judgement.WORDS


def test_vowels_are_speech_though_the_detector_is_deaf_to_most_of_them() -> None:
    """The echo has just gone, and the canceller still takes the user away."""
    assert _burst((LONG - 1, 0.4)).judge(RULE) is Judgement.OPEN
    assert _burst((LONG, 0.4)).judge(RULE) is Judgement.WORDS


def test_gaps_do_not_start_the_count_anew() -> None:
    """Several silent windows inside a word, again and again."""
    gaps = [stretch for _ in range(LONG) for stretch in ((1, 0.95), (QUIET // 3, 0.0))]
    assert _burst(*gaps).judge(RULE) is Judgement.WORDS


def test_a_short_word_is_one_when_it_is_over() -> None:
    """By its vowel, though the voice detector is not sure: not before the silence after it is longer than a closure."""
    assert _burst((VOWELS, 0.4), (QUIET - 1, 0.0)).judge(RULE) is Judgement.OPEN
    assert _burst((VOWELS, 0.4), (QUIET, 0.0)).judge(RULE) is Judgement.WORDS


def test_a_word_with_little_voice_is_one_by_the_detectors_certainty() -> None:
    """A spoken "stop"."""
    assert _burst((WORD, 0.95), (QUIET, 0.0), voicing=BREATH).judge(RULE) is Judgement.WORDS
    assert _burst((WORD - 1, 0.95), (QUIET, 0.0), voicing=BREATH).judge(RULE) is Judgement.NOISE


def test_a_cough_is_noise() -> None:
    """It is breath where a word is voice, and the detector is in doubt."""
    assert _burst((WORD, 0.8), (QUIET - 1, 0.0), voicing=BREATH).judge(RULE) is Judgement.OPEN
    assert _burst((WORD, 0.8), (QUIET, 0.0), voicing=BREATH).judge(RULE) is Judgement.NOISE


def test_a_vowel_that_is_too_short_is_noise() -> None:
    """A single "m"."""
    assert _burst((VOWELS - 1, 0.4), (QUIET, 0.0)).judge(RULE) is Judgement.NOISE


def test_a_hum_is_noise() -> None:
    """Voiced from end to end, and no speech to the detector."""
    burst = Burst()
    for n in range(10):
        burst = burst.add(_window(n, -20.0, VOWEL, 0.1))
    assert not burst.is_word(RULE)


def test_the_rooms_tail_is_no_vowel() -> None:
    """It rings on in the pitch of the last one, and must not keep a burst open."""
    burst = Burst()
    for n, level in enumerate((-20.0, *([-45.0] * QUIET))):
        burst = burst.add(_window(n, level, VOWEL, 0.4))
    assert len(burst.vowels(RULE)) == 1
    assert burst.quiet_ms(RULE) == QUIET * WINDOW_MS


def test_silence_alone_is_noise_after_a_while() -> None:
    """What held the reply was nothing that the detector hears."""
    assert _burst((QUIET - 1, 0.0)).judge(RULE) is Judgement.OPEN
    assert _burst((QUIET, 0.0)).judge(RULE) is Judgement.NOISE


def test_the_loudest_windows_say_what_it_was() -> None:
    """A cough is loud where it is breath, though it may end in a voiced moan."""
    burst = Burst()
    for n, (level, voicing) in enumerate(((-20.0, 0.1), (-20.0, 0.1), (-35.0, 0.9), (-35.0, 0.9), (-35.0, 0.9))):
        burst = burst.add(_window(n, level, voicing, 0.8))
    assert burst.voicing == pytest.approx(0.14, abs=0.01)
    assert not burst.is_word(RULE)


def _window(number: int, level: float, voicing: float, probability: float) -> VoiceWindow:
    end = Frames((number + 1) * WINDOW)
    return VoiceWindow(Millis(0), end, WINDOW, Probability(probability), voicing, Decibels(level))


def test_only_what_ended_after_the_onset_counts() -> None:
    """The window in which the user began is his."""
    burst = _burst((4, 0.9), (4, 0.8))
    assert burst.since(Frames(4 * WINDOW)).active_ms == 4 * WINDOW_MS
    assert burst.since(Frames(4 * WINDOW - 1)).active_ms == 5 * WINDOW_MS


def test_what_is_judged_begins_a_little_before_the_onset() -> None:
    """The detector was late for it."""
    burst = _burst((20, 0.9))
    late = burst.around(Frames(10 * WINDOW), RULE)
    assert late == burst.since(Frames(10 * WINDOW - frames(RULE.before_onset_ms)))
    assert late.active_ms > burst.since(Frames(10 * WINDOW)).active_ms


def test_the_onset_is_where_the_first_speech_window_began() -> None:
    """Not where it ended."""
    assert _burst((3, 0.0), (2, 0.9)).onset == 3 * WINDOW


@given(st.lists(st.tuples(st.integers(1, 60), st.sampled_from([0.0, 0.3, 0.5, 0.9])), max_size=5))
def test_it_remembers_the_last_three_seconds_and_counts_them_right(stretches: list[tuple[int, float]]) -> None:
    """Bounded, however long it goes on, and equal to a naive count."""
    burst = _burst(*stretches)
    all_of_it = [probability for count, probability in stretches for _ in range(count)]
    kept = all_of_it[len(all_of_it) - len(burst.windows) :]
    assert [w.probability for w in burst.windows] == kept
    assert len(kept) == min(len(all_of_it), MEMORY_FRAMES // WINDOW + 1)
    active = [probability >= ACTIVE_PROBABILITY for probability in kept]
    assert burst.active_ms == WINDOW_MS * sum(active)
    last = max((n for n, is_active in enumerate(active, 1) if is_active), default=0)
    assert burst.quiet_ms(RULE) == WINDOW_MS * (len(active) - last)
    assert 0.0 <= burst.voicing <= 1.0


def test_the_memory_is_long_enough_for_the_longest_doubt() -> None:
    """A word, the gaps in it and the silence after it."""
    assert millis(MEMORY_FRAMES) > 2 * (RULE.commit_ms + RULE.quiet_ms)


def test_what_is_no_louder_than_the_talk_before_the_reply_is_nobodys_word() -> None:
    """Three decibels below its loud moments; under a reply, where the level is not known, nothing counts beside talk."""
    television = replace(_window(0, -40.0, 0.9, 0.9), background=Decibels(-30.0))
    assert Burst().add(television).windows[0].probability == 0.0
    assert Burst().add(television).windows[0].voicing == 0.0
    assert Burst().add(replace(television, level=SILENCE_DB)).windows[0].probability == 0.0
    for heard in (replace(television, level=Decibels(-33.0)), replace(television, background=SILENCE_DB)):
        assert Burst().add(heard).windows == (heard,)


@pytest.mark.parametrize(
    ("voiced", "probability", "voicing", "is_word"),
    [(2, 0.6, 0.9, True), (1, 0.6, 0.9, True), (0, 0.6, 0.9, False), (2, 0.45, 0.9, False), (2, 0.6, 0.55, False)],
)
def test_a_short_word_needs_speech_and_a_little_of_a_vowel(
    voiced: int, probability: float, voicing: float, is_word: bool
) -> None:
    """ "Stop" is 130 ms of speech with 30 ms of an o; without either it is a cough."""
    burst = Burst()
    for n in range(4):
        burst = burst.add(_window(n, -30.0, voicing if n < voiced else 0.28, probability))
    assert burst.is_word(RULE) is is_word
