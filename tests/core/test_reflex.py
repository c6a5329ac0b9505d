"""The reflex on level traces: who is held, who is not, and that it keeps its own rules whatever it sees."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satellite.core.echo import Excess
from satellite.core.reflex import Mode, Observation, Reflex, ReflexRule, Verdict, hold, release, rest, resume, step
from satellite.core.units import PERIOD_FRAMES, PERIOD_MS, RATE_HZ, Decibels, Frames, Millis, Probability, frames, millis
from tests.core.levels import Heard, Voice, listen, when

RULE = ReflexRule()

# the microphone hears what was written so long ago
LOOP_MS = 60

_DOOR = Voice(2000, 500, 10.0, probability=0.05, voicing=0.2)


def _held(story: Sequence[Heard]) -> Heard:
    return next(heard for heard in story if heard.verdict is Verdict.HOLD)


# ---- our own echo


def test_our_echo_alone_is_never_held_though_the_detector_calls_it_speech() -> None:
    """The canceller fails now and then, so the reply is ducked; in the probe our echo falls, and that acquits it."""
    stories = [listen(7000, echo_probability=0.9, erle_fails=True, seed=seed) for seed in range(3)]
    assert sum(len(when(story, Verdict.DUCK)) for story in stories) >= 3
    assert sum(len(when(story, Verdict.HOLD)) for story in stories) == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_an_echo_path_that_changes_costs_a_dip_and_not_the_reply(seed: int) -> None:
    """Ten decibels louder at once: one failed probe, and the new path is known."""
    story = listen(6000, echo_probability=0.9, louder_from_ms=3000, loop_ms=LOOP_MS, seed=seed)
    (duck,), (unduck,) = when(story, Verdict.DUCK), when(story, Verdict.UNDUCK)
    assert when(story, Verdict.HOLD) == []
    assert 3000 <= duck <= 3200
    assert unduck - duck <= LOOP_MS + PERIOD_MS + RULE.probe_timeout_ms


def test_a_probe_that_fails_teaches_how_loud_our_echo_can_be() -> None:
    """The expectation after it is higher than before, so the same sound is no evidence again."""
    story = listen(6000, echo_probability=0.9, louder_from_ms=3000, seed=2)
    (duck,) = [i for i, heard in enumerate(story) if heard.verdict is Verdict.DUCK]
    (unduck,) = [i for i, heard in enumerate(story) if heard.verdict is Verdict.UNDUCK]
    assert story[unduck].reflex.leftovers.leak.level_db > story[duck].reflex.leftovers.leak.level_db + 3.0


# ---- somebody talks


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("ser_db", [0.0, -10.0])
def test_a_user_is_held_within_200_ms_of_the_duck(ser_db: float, seed: int) -> None:
    """As loud as our echo or 10 dB below it: a person does not fall with the reply."""
    story = listen(3000, Voice(2000, 1000, ser_db), loop_ms=LOOP_MS, seed=seed)
    (duck,), (held,) = when(story, Verdict.DUCK), when(story, Verdict.HOLD)
    assert 2000 < duck <= 2100
    assert held - duck <= 200


def test_the_hold_knows_when_the_user_began_and_how_sure_the_detector_was() -> None:
    """The onset lies before the words: the pre-roll is counted from it."""
    held = _held(listen(3000, Voice(2000, 1000, -10.0, probability=0.8))).reflex
    assert 1900 <= millis(held.onset) <= 2000
    assert held.peak_probability == 0.8


def test_a_pause_inside_a_word_does_not_move_the_onset() -> None:
    """A closure is shorter than the silence before an utterance."""
    story = listen(3000, Voice(2000, 64, -10.0, probability=0.2), Voice(2160, 800, 0.0))
    assert 1900 <= millis(_held(story).reflex.onset) <= 2000


def test_an_onset_is_not_looked_for_further_back_than_a_second() -> None:
    """A detector that has called everything speech for minutes does not send minutes."""
    story = listen(3000, Voice(2000, 1000, 0.0), echo_probability=0.9)
    held = _held(story)
    assert held.reflex.onset >= held.seen.end - frames(RULE.onset_limit_ms + RULE.probe_timeout_ms + LOOP_MS + 50)


def test_a_soft_user_whom_the_canceller_hides_is_held_all_the_same() -> None:
    """Behind it there is no voice for a while; in the raw microphone, band by band, there is, and it is voiced."""
    story = listen(3000, Voice(2000, 1000, -10.0, probability=0.02))
    (duck,), (held,) = when(story, Verdict.DUCK), when(story, Verdict.HOLD)
    assert 2000 < duck <= 2020
    assert held - duck <= 150


def test_a_sound_that_is_no_voice_dips_the_reply_and_does_not_hold_it() -> None:
    """A slammed door is loud, but neither voiced nor speech to the detector."""
    story = listen(3000, _DOOR)
    assert len(when(story, Verdict.DUCK)) == len(when(story, Verdict.UNDUCK)) == 1
    assert when(story, Verdict.HOLD) == []


def test_in_a_noisy_room_a_sound_alone_is_not_tested_again() -> None:
    """Three dips without a cause, and the voice detector has to consent; after a while all is forgotten."""
    rule = replace(RULE, noisy_ms=Millis(3000))
    clatter = [replace(_DOOR, at_ms=at_ms, for_ms=200) for at_ms in range(1000, 4000, 600)]
    assert len(when(listen(4000, *clatter, rule=rule), Verdict.DUCK)) == 3
    assert len(when(listen(3600, *clatter[:4], replace(clatter[4], probability=0.2), rule=rule), Verdict.DUCK)) == 4
    assert len(when(listen(5000, *clatter[:3], replace(_DOOR, at_ms=4700), rule=rule), Verdict.DUCK)) == 4


def test_false_alarms_that_the_conversation_found_make_a_room_noisy_too() -> None:
    """A cough is held, and then taken for what it was."""
    reflex, quiet = Reflex(), Reflex()
    for second in range(RULE.noisy_alarms):
        assert not reflex.is_noisy(Frames(RATE_HZ * second), RULE)
        reflex = resume(reflex, Frames(RATE_HZ * second), RULE)
        quiet = rest(quiet, Frames(RATE_HZ * second), RULE)
    assert reflex.is_noisy(Frames(RATE_HZ * RULE.noisy_alarms), RULE)
    assert not quiet.is_noisy(Frames(RATE_HZ * RULE.noisy_alarms), RULE)


def test_a_sound_that_is_over_before_the_probe_is_not_held() -> None:
    """A click ducks at most."""
    story = listen(3000, Voice(2000, 60, 0.0))
    assert len(when(story, Verdict.DUCK)) == len(when(story, Verdict.UNDUCK)) == 1


# ---- what is not tested


def test_in_the_last_50_ms_nothing_is_interrupted() -> None:
    """The reply ends by itself; what is said over its end is known to have been."""
    story = listen(4000, Voice(3960, 500, 0.0), reply_ms=4000)
    assert when(story, Verdict.DUCK) == []
    last = story[-1]
    onset = last.reflex.voice_over_end(last.seen.end, RULE)
    assert onset is not None and 3800 <= millis(onset) <= 4000


@pytest.mark.parametrize("at_ms", [3850, 3890])
def test_a_test_that_the_replys_end_overtakes_is_called_off(at_ms: int) -> None:
    """In the probe or before it; the voice is told of as one that speaks over the end."""
    story = listen(4000, Voice(at_ms, 500, 0.0), reply_ms=4000)
    assert when(story, Verdict.HOLD) == []
    assert len(when(story, Verdict.DUCK)) == len(when(story, Verdict.CALL_OFF)) == 1
    assert story[-1].reflex.voice_over_end(story[-1].seen.end, RULE) is not None


def test_a_reply_that_ends_while_it_is_ducked_ends_under_that_voice() -> None:
    """Its length was not known, so the end came without a warning."""
    ducked = next(heard for heard in listen(3000, Voice(2000, 500, 0.0)) if heard.verdict is Verdict.DUCK)
    assert ducked.reflex.voice_over_end(ducked.seen.end, RULE) == ducked.reflex.onset


def test_a_reply_that_ends_in_silence_has_no_voice_over_its_end() -> None:
    """Otherwise every reply would open a turn."""
    last = listen(4000, reply_ms=4000)[-1]
    assert last.reflex.voice_over_end(last.seen.end, RULE) is None


def test_without_a_reply_there_is_nothing_to_do() -> None:
    """The reflex belongs to the speaker."""
    reflex = Reflex()
    for heard in listen(1000, Voice(200, 500, 0.0)):
        reflex, verdict = step(reflex, replace(heard.seen, is_playing=False), RULE)
        assert verdict is Verdict.NONE


# ---- after a verdict


def test_after_a_failed_probe_there_is_a_rest() -> None:
    """One sound is not tested over and over."""
    failed = next(heard for heard in listen(3000, Voice(2000, 60, 0.0)) if heard.verdict is Verdict.UNDUCK)
    assert _first_duck_after(failed, failed.reflex) >= RULE.refractory_ms


def test_what_is_held_stays_held_until_it_is_released() -> None:
    """What becomes of it is the conversation's to decide, however long it takes."""
    story = listen(4000, Voice(2000, 2000, 0.0))
    held = when(story, Verdict.HOLD)[0]
    assert all(heard.verdict is Verdict.NONE for heard in story if heard.at_ms > held)
    assert story[-1].reflex.mode is Mode.HELD


def test_after_a_resume_the_reflex_watches_again_after_a_rest() -> None:
    """New evidence may hold the reply anew."""
    held = _held(listen(4000, Voice(2000, 2000, 0.0)))
    assert _first_duck_after(held, resume(held.reflex, held.seen.end, RULE)) >= RULE.refractory_ms


def _first_duck_after(heard: Heard, reflex: Reflex) -> int:
    """How many milliseconds later the reply is ducked again, if somebody talks from then on."""
    for later in listen(2000, Voice(0, 2000, 0.0)):
        reflex, verdict = step(reflex, replace(later.seen, end=Frames(later.seen.end + heard.seen.end)), RULE)
        if verdict is Verdict.DUCK:
            return later.at_ms
    raise AssertionError("the reply was never ducked again")


def test_a_reply_that_is_over_leaves_no_rest_behind() -> None:
    """The next one may be interrupted from its first moment."""
    held = _held(listen(4000, Voice(2000, 2000, 0.0))).reflex
    fresh = release(held)
    assert (fresh.mode, fresh.hits, fresh.refractory_until) == (Mode.WATCHING, (), 0)


def test_a_reply_held_before_its_first_sample_is_held() -> None:
    """By the polite start; the onset is the one that was told."""
    reflex = hold(Reflex(), Frames(1234))
    assert (reflex.mode, reflex.onset) == (Mode.HELD, 1234)


def test_a_speaker_that_never_gets_quieter_is_not_waited_for() -> None:
    """The duck does not arrive: a loop longer than any we know."""
    story = listen(4000, Voice(2000, 2000, 0.0), loop_ms=1500)
    duck, unduck = when(story, Verdict.DUCK)[0], when(story, Verdict.UNDUCK)[0]
    assert unduck - duck == RULE.longest_loop_ms


# ---- whatever it sees

_levels = st.floats(-120.0, 0.0).map(Decibels)
_observations = st.builds(
    Observation,
    end=st.just(Frames(0)),
    probability=st.one_of(st.none(), st.floats(0.0, 1.0).map(Probability)),
    clean_db=_levels,
    near_end=st.builds(Excess, st.floats(0.0, 200.0), st.floats(0.0, 200.0)),
    voicing=st.floats(0.0, 1.0),
    reference_db=_levels,
    is_ducked=st.booleans(),
    is_playing=st.sampled_from([True, True, True, False]),
    remaining_ms=st.one_of(st.none(), st.integers(0, 200).map(Millis)),
)


@given(st.lists(_observations, min_size=1, max_size=60))
def test_it_keeps_its_own_rules(seen: list[Observation]) -> None:
    """Ducks and what ends them alternate, nothing follows a hold, nothing is told of the future, and it is pure."""
    reflex, ducked, was_held = Reflex(), False, False
    for n, one in enumerate(seen, start=1):
        now = replace(one, end=Frames(n * PERIOD_FRAMES))
        after, verdict = step(reflex, now, RULE)
        assert (after, verdict) == step(reflex, now, RULE)
        match verdict:
            case Verdict.DUCK:
                assert not ducked and not was_held and now.is_playing
                ducked = True
            case Verdict.UNDUCK | Verdict.CALL_OFF:
                assert ducked
                ducked = False
            case Verdict.HOLD:
                assert ducked
                ducked, was_held = False, True
            case Verdict.NONE:
                pass
        assert ducked == (after.mode in (Mode.DUCKING, Mode.PROBING))
        assert 0 <= after.onset <= now.end
        assert all(hit <= now.end for hit in after.hits) and list(after.hits) == sorted(after.hits)
        reflex = after


# ---- beside others


def _idle(share: float, windows: int) -> Reflex:
    """After so many windows of a room in which so much is voice."""
    reflex = Reflex()
    for n in range(windows):
        probability = Probability(0.9 if n % 100 < 100 * share else 0.02)
        seen = replace(_SILENT, end=Frames((n + 1) * 256), probability=probability, is_idle=True)
        reflex, _ = step(reflex, seen, RULE)
    return reflex


_SILENT = Observation(
    end=Frames(0),
    probability=None,
    clean_db=Decibels(-60.0),
    near_end=Excess(),
    voicing=0.0,
    reference_db=Decibels(-120.0),
    is_ducked=False,
    is_playing=False,
    remaining_ms=None,
)


def test_talk_is_what_is_voice_for_a_third_of_the_idle_time() -> None:
    """A television is, within seconds; a wake word and a question are not, and other times do not count."""
    assert _idle(0.8, 500).is_beside_talk(RULE)
    assert not _idle(0.2, 3000).is_beside_talk(RULE)
    assert not _idle(1.0, 100).is_beside_talk(RULE)
    busy = replace(_SILENT, end=Frames(10**7), probability=Probability(0.0))
    assert step(_idle(0.8, 500), busy, RULE)[0].talk == _idle(0.8, 500).talk


def _probed(count: int, spacing: int, near_end: Excess, probability: float = 0.9, voicing: float = 0.9) -> list[Verdict]:
    """What is wanted of a probe in which every so manieth window of 16 ms is a hit."""
    reflex, wanted = replace(Reflex(), mode=Mode.PROBING), []
    for n in range(count):
        excess = replace(near_end, in_probe_db=50.0 if n % spacing == 0 else 0.0)
        seen = replace(_SILENT, end=Frames((n + 1) * 256), probability=Probability(probability), voicing=voicing, near_end=excess)
        reflex, verdict = step(reflex, replace(seen, is_playing=True, is_ducked=True), RULE)
        wanted.append(verdict)
    return wanted


def test_beside_talk_it_takes_longer_to_be_sure() -> None:
    """Eight windows in half a second, where two are enough in a quiet room; and a probe that fails fails later."""
    talk = Excess(background_db=Decibels(-30.0), is_lively=True)
    assert _probed(4, 2, Excess()).count(Verdict.HOLD) == 1
    assert Verdict.HOLD not in _probed(40, 10, talk)
    assert _probed(40, 3, talk).index(Verdict.HOLD) == 21
    assert _probed(60, 10, talk).index(Verdict.UNDUCK) * 16 + 16 >= RULE.talk_timeout_ms


def test_beside_music_a_vowel_is_no_voice() -> None:
    """Much of it is voiced; the detector has to be sure."""
    lively = Excess(is_lively=True)
    assert Verdict.HOLD in _probed(8, 1, Excess(), probability=0.02)
    assert Verdict.HOLD not in _probed(8, 1, lively, probability=0.2)
    assert Verdict.HOLD in _probed(8, 1, lively, probability=0.4)


def test_beside_music_a_sound_that_is_no_voice_lowers_nothing() -> None:
    """Elsewhere it does."""
    loud = replace(_SILENT, end=Frames(160), is_playing=True, reference_db=Decibels(-20.0))
    assert step(Reflex(), replace(loud, near_end=Excess(50.0)), RULE)[1] is Verdict.DUCK
    assert step(Reflex(), replace(loud, near_end=Excess(50.0, is_lively=True)), RULE)[1] is Verdict.NONE
