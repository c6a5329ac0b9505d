"""The rules of other systems, at their borders: thresholds, counts, smoothing, pauses."""

from math import log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satellite.bench.rules import AFRESH_FRAMES, RULES, Rule, loudness
from satellite.bench.rules.echo_guard import ECHO_GUARD, ENERGY, amplitudes
from satellite.bench.rules.livekit import LIVEKIT, LIVEKIT_BUILT_IN
from satellite.bench.rules.livekit import smoothed as livekit_smoothed
from satellite.bench.rules.pipecat import PIPECAT, PIPECAT_BEFORE, smoothed
from satellite.bench.rules.voice import LEVEL_GATE, MIN_SPEECH, MIN_SPEECH_WITH_PAUSES, ONE_WINDOW, ONE_WINDOW_RAW
from tests.bench.hand_made import HOP, sound, trace, windows_of

VOICE_RULES = tuple(rule for rule in RULES if rule not in (ECHO_GUARD, ENERGY))

# windows in a second, rounded up: as many pass before a rule starts afresh
SECOND = -(-AFRESH_FRAMES // HOP)


def silence(count: int) -> list[float]:
    return [0.0] * count


def voice(count: int, probability: float = 1.0) -> list[float]:
    return [probability] * count


# ---- what all have in common


def test_names_tell_them_apart_and_each_says_where_it_is_from() -> None:
    """They head columns, and someone will want to look a number up."""
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.source and rule.means for rule in RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_sources_own_threshold_is_on_the_curve(rule: Rule) -> None:
    """Otherwise the point in the table is not on the line in the picture."""
    heard = trace(silence(10) + voice(40), voice(50))
    assert rule.threshold in rule.sweep
    assert dict(rule.curve(heard))[rule.threshold] == rule.yields(heard)
    assert [threshold for threshold, _ in rule.curve(heard)] == list(rule.sweep)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_trace_without_windows_or_voice_stops_nothing(rule: Rule) -> None:
    """The shortest, and the quietest."""
    assert rule.stops(trace([])) == ()
    assert rule.stops(trace(silence(100), near_db=-60.0, clean_db=-60.0)) == ()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_only_the_last_reply_can_be_stopped(rule: Rule) -> None:
    """What is said before or after it is no interruption."""
    loud = {"near_db": -10.0, "clean_db": -10.0, "far_db": -30.0}
    heard = trace(voice(300), voice(300), begin=120, end=240, first=0, **loud)
    stops = rule.stops(heard)
    assert stops and all(heard.reply_begin < stop <= heard.reply_end for stop in stops)
    yields = rule.yields(heard)
    assert all(heard.reply_begin < duck <= heard.reply_end for duck in yields.ducks)
    assert list(stops) == sorted(stops)


@pytest.mark.parametrize("rule", VOICE_RULES, ids=lambda rule: rule.name)
@settings(max_examples=30, deadline=None)
@given(
    probabilities=st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]), min_size=30, max_size=150),
    low=st.floats(0.05, 0.95),
    more=st.floats(0.0, 0.5),
)
def test_a_higher_threshold_never_stops_sooner(rule: Rule, probabilities: list[float], low: float, more: float) -> None:
    """So the curve is one."""
    heard = trace(probabilities, probabilities)
    sooner, later = rule.at(low).stops(heard), rule.at(low + more).stops(heard)
    assert not later or (sooner and sooner[0] <= later[0])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_starts_afresh_a_second_after_a_stop(rule: Rule) -> None:
    """An hour of echo has a number of false stops, and not one."""
    heard = trace(voice(250), voice(250), near_db=-10.0, clean_db=-10.0, far_db=-30.0, begin=0, first=-200)
    stops = rule.stops(heard)
    assert len(stops) > 2
    gaps = np.diff(stops)
    assert (gaps > AFRESH_FRAMES).all()
    # with the same voice all along, each takes as long as the first
    assert (np.abs(gaps - AFRESH_FRAMES - stops[0]) <= HOP).all() or rule in (LIVEKIT, LIVEKIT_BUILT_IN, PIPECAT, PIPECAT_BEFORE)


# ---- one window, and 250 ms


def test_one_window_is_enough_at_its_threshold_and_not_below() -> None:
    """Trigger level 1, probability >= 0.5."""
    assert windows_of(ONE_WINDOW.stops(trace([0.0, 0.4999, 0.5, 0.0]))) == [2]
    assert ONE_WINDOW.stops(trace(voice(50, 0.4999))) == ()


def test_one_window_on_the_raw_microphone_is_deaf_to_the_canceller() -> None:
    """And the other way round."""
    heard = trace(silence(4), [0.0, 0.0, 0.5, 0.0])
    assert windows_of(ONE_WINDOW_RAW.stops(heard)) == [2]
    assert ONE_WINDOW.stops(heard) == ()


def test_after_a_stop_one_window_hears_nothing_for_a_second() -> None:
    """31.25 windows."""
    assert windows_of(ONE_WINDOW.stops(trace(voice(100)))) == [0, SECOND, 2 * SECOND, 3 * SECOND]


def test_250_ms_are_eight_windows_in_a_row() -> None:
    """256 ms; a ninth of silence begins the count again."""
    assert windows_of(MIN_SPEECH.stops(trace([*silence(3), *voice(8, 0.5)]))) == [10]
    assert MIN_SPEECH.stops(trace([*voice(7), 0.49, *voice(7)])) == ()


def test_a_voice_from_before_the_reply_counts_from_its_begin() -> None:
    """Its run is not taken over, and it needs no pause either."""
    assert windows_of(MIN_SPEECH.stops(trace(voice(40), begin=10))) == [17]


def test_250_ms_may_have_pauses_of_less_than_500() -> None:
    """15 windows are 480 ms, 16 are 512."""
    assert windows_of(MIN_SPEECH_WITH_PAUSES.stops(trace([*voice(4), *silence(15), *voice(4)]))) == [22]
    assert MIN_SPEECH_WITH_PAUSES.stops(trace([*voice(4), *silence(16), *voice(4)])) == ()
    assert windows_of(MIN_SPEECH_WITH_PAUSES.stops(trace([*voice(4), *silence(16), *voice(8)]))) == [27]


# ---- Pipecat


def test_pipecat_takes_six_windows_in_a_row() -> None:
    """0.2 s are 6.25 windows, rounded; before it the room was loud for long enough."""
    for rule in (PIPECAT, PIPECAT_BEFORE):
        assert windows_of(rule.stops(trace([*silence(60), *voice(6, 0.7)]))) == [65]
        assert rule.stops(trace([*silence(60), *voice(5), 0.69, *voice(5)])) == ()


def test_pipecat_needs_a_volume() -> None:
    """0.6 of the way from -110 to -10 LUFS: -50. K weighting lifts 1 kHz by nearly as much as the offset takes off."""
    probabilities = [*silence(200), *voice(6)]
    for rule in (PIPECAT, PIPECAT_BEFORE):
        assert len(rule.stops(trace(probabilities, clean_db=-47.0))) == 1
        assert rule.stops(trace(probabilities, clean_db=-53.0)) == ()


def test_pipecats_volume_rises_from_the_silence_before() -> None:
    """Before 1.8 a window was measured by itself; since then 400 ms are, and less than -70 LUFS is nothing at all."""
    heard = trace([*silence(60), *voice(60)], clean_db=[*[-75.0] * 60, *[-25.0] * 60])
    assert windows_of(PIPECAT_BEFORE.stops(heard))[0] == 60 + 2 + 5
    assert windows_of(PIPECAT.stops(heard))[0] == 60 + 6 + 5


def test_pipecat_smooths_a_fifth_at_a_time_from_zero() -> None:
    """prev + 0.2 * (now - prev)"""
    assert smoothed(np.array([1.0, 1.0, 0.0])) == pytest.approx([0.2, 0.36, 0.288])


def test_pipecats_loudness_of_a_tone_is_bs_1770s() -> None:
    """A sine of 997 Hz at full scale has -3.01 LUFS (the standard's own example)."""
    tone = np.sin(2.0 * np.pi * 997.0 * np.arange(64 * HOP) / 16_000).reshape(-1, HOP)
    assert loudness.rolling(tone, 6400)[-1] == pytest.approx(-3.01, abs=0.1)
    assert loudness.of_windows(tone)[-1] == pytest.approx(-3.01, abs=0.6)


def test_pipecats_loudness_of_a_block_begins_when_there_is_one() -> None:
    """400 ms are 12.5 windows."""
    blocks = loudness.rolling(np.ones((16, HOP)) * (np.arange(HOP) % 2 - 0.5), 6400)
    assert np.isinf(blocks[:12]).all() and np.isfinite(blocks[12:]).all()


def test_pipecats_loudness_looks_back_400_ms_and_no_further() -> None:
    """A burst leaves it with the thirteenth window after it, half of it with the twelfth."""
    burst = np.zeros((40, HOP))
    burst[15] = np.where(np.arange(HOP) % 16 < 8, 0.5, -0.5)
    blocks = loudness.rolling(burst, 6400)
    assert blocks[15] == pytest.approx(blocks[26], abs=0.2)
    assert blocks[27] == pytest.approx(blocks[26] - 3.0, abs=0.3)
    assert blocks[14] < -150.0 and blocks[30] < -80.0


# ---- LiveKit

# the first reply was long ago
WARM = -200


def test_livekit_pauses_half_a_second_after_two_windows() -> None:
    """Its duration runs on through a pause in speech; 16 windows are 0.512 s."""
    assert windows_of(LIVEKIT.stops(trace([0.0, *voice(20)], first=WARM))) == [1 + 15]
    assert windows_of(LIVEKIT.stops(trace([0.0, *voice(2), *silence(40)], first=WARM))) == [1 + 15]
    assert LIVEKIT.stops(trace([0.0, *voice(1), *silence(40)], first=WARM)) == ()


def test_livekit_smooths_with_0_35_from_the_first_window_on() -> None:
    """0.35 * before + 0.65 * now"""
    assert livekit_smoothed(np.array([0.8, 0.0, 1.0]), 0.35) == pytest.approx([0.8, 0.28, 0.748])


def test_livekit_begins_at_its_threshold() -> None:
    """A steady 0.5 is speech, a steady 0.49 is not."""
    assert windows_of(LIVEKIT.stops(trace(voice(20, 0.5), first=WARM))) == [15]
    assert LIVEKIT.stops(trace(voice(200, 0.49), first=WARM)) == ()


def test_livekit_does_not_stop_in_the_first_three_seconds_ever_played() -> None:
    """But it listens: who is still speaking then stops the reply at once. 3 s are 93.75 windows."""
    assert windows_of(LIVEKIT.stops(trace(voice(120))))[0] == 93
    assert windows_of(LIVEKIT.stops(trace([*voice(40), *silence(20), *silence(60), *voice(20)])))[0] == 135
    assert windows_of(LIVEKIT.stops(trace(voice(120), begin=60, first=0)))[0] == 93


def test_livekit_forgets_a_speech_that_ended_in_its_warm_up() -> None:
    """550 ms of silence are 18 windows; smoothing makes a voice one window longer."""
    ends_at_91 = [*voice(73), *silence(60)]
    goes_on = [*voice(76), *silence(60)]
    assert LIVEKIT.stops(trace(ends_at_91)) == ()
    assert windows_of(LIVEKIT.stops(trace(goes_on))) == [93]


def test_livekit_goes_on_two_seconds_after_the_end_of_speech() -> None:
    """The end is told 18 windows after the last one; nothing is heard of the reply while it stands still."""
    heard = trace([0.0, *voice(200)], first=WARM, sound_end=30)
    yields = LIVEKIT.yields(heard)
    # the sound ends with window 29, smoothed it is over 0.35 in none after it; 18 windows, then 2 s
    assert len(yields.resumes) == len(yields.stops)
    assert yields.resumes[0] == (30 + 18) * HOP + 2 * 16_000


def test_livekit_counts_what_the_user_says_while_it_is_paused() -> None:
    """Two seconds after his last word, not his first."""
    heard = trace([0.0, *voice(20), *silence(30), *voice(10), *silence(100)], first=WARM, sound_end=61)
    assert LIVEKIT.yields(heard).resumes[0] == (61 + 18) * HOP + 2 * 16_000


def test_livekits_built_in_detector_forgets_a_word_after_a_quarter_of_a_second() -> None:
    """8 windows are 256 ms; the eighth still counts as speech. Nothing is smoothed, so voice in every other one is none."""
    assert LIVEKIT_BUILT_IN.stops(trace([0.0, *voice(7), *silence(40)], first=WARM)) == ()
    assert windows_of(LIVEKIT_BUILT_IN.stops(trace([0.0, *voice(8), *silence(40)], first=WARM))) == [16]
    assert LIVEKIT_BUILT_IN.stops(trace([0.0, *voice(2), *silence(8), *voice(6)], first=WARM)) == ()
    assert windows_of(LIVEKIT_BUILT_IN.stops(trace([0.0, *voice(2), *silence(7), *voice(9)], first=WARM))) == [16]
    assert LIVEKIT_BUILT_IN.stops(trace([*[0.0, 1.0] * 50], first=WARM)) == ()


def test_livekit_goes_on_listening_down_to_0_35() -> None:
    """Once there is speech; above it, not at it."""
    assert windows_of(LIVEKIT_BUILT_IN.stops(trace([*voice(2), *voice(40, 0.36)], first=WARM)))[0] == 15
    assert LIVEKIT_BUILT_IN.stops(trace([*voice(2), *voice(40, 0.35)], first=WARM)) == ()


# ---- the level gate

WARMED = {"begin": 80, "first": 80}


def test_the_level_gate_stops_at_two_sure_windows_in_a_row() -> None:
    """More than 0.7, not 0.7; one window of more than 0.5 lowers the reply."""
    heard = trace([*silence(80), 0.51, *silence(50), 0.71, 0.7, 0.71, 0.71, *silence(9)], **WARMED)
    yields = LEVEL_GATE.yields(heard)
    assert windows_of(yields.ducks) == [80, 131]
    assert windows_of(yields.stops) == [134]


def test_the_level_gate_does_not_believe_what_the_canceller_has_taken() -> None:
    """No more than 20 dB may be missing."""
    probabilities = [*silence(80), *voice(3)]
    assert len(LEVEL_GATE.stops(trace(probabilities, near_db=-20.0, clean_db=-39.5, **WARMED))) == 1
    assert LEVEL_GATE.stops(trace(probabilities, near_db=-20.0, clean_db=-40.5, **WARMED)) == ()


def test_the_level_gate_is_harder_to_convince_while_the_canceller_converges() -> None:
    """3 s of a reference that is not silent, unless there was a warm-up sound before the first reply."""
    probabilities = [*voice(150, 0.8)]
    cold = LEVEL_GATE.stops(trace(probabilities))
    assert windows_of(cold)[0] == 93 + 1
    assert windows_of(LEVEL_GATE.stops(trace(voice(150, 0.86))))[0] == 1
    warmed = trace(probabilities, begin=20, first=20)
    assert windows_of(LEVEL_GATE.stops(warmed))[0] == 20 + 1


def test_a_silent_reference_converges_nothing() -> None:
    """The count goes on when the reply does."""
    heard = trace(voice(200, 0.8), far_db=[*[-70.0] * 50, *[-30.0] * 150])
    assert windows_of(LEVEL_GATE.stops(heard))[0] == pytest.approx(50 + 93 + 1, abs=1)


# ---- energy, and the echo guard


def db(amplitude: float) -> float:
    """Of a 16-bit amplitude."""
    return 20.0 * log10(amplitude / 32768.0)


def steps(*parts: tuple[int, float]) -> list[float]:
    """Levels of windows: so many of such an amplitude."""
    return [db(amplitude) for count, amplitude in parts for _ in range(count)]


def test_amplitudes_are_those_of_16_bit_samples() -> None:
    """Of frames of 20 ms."""
    assert amplitudes(sound(db(1200.0), 10)) == pytest.approx([1200.0] * 16, abs=1.0)


def test_energy_needs_900_once_the_noise_is_known() -> None:
    """Two frames lower the reply; 600 ms later it stops."""
    loud = trace(silence(100), clean_db=steps((50, 50.0), (50, 950.0)))
    yields = ENERGY.yields(loud)
    # the voice begins with frame 80 of 20 ms, which ends 25,920 frames in; the second one counts
    assert yields.ducks[0] == 82 * 320
    assert yields.stops == (82 * 320 + 30 * 320,)
    assert ENERGY.yields(trace(silence(100), clean_db=steps((50, 50.0), (50, 850.0)))).ducks == ()


def test_energy_needs_1200_before_the_noise_is_known() -> None:
    """From the first sample on."""
    assert ENERGY.yields(trace(silence(50), clean_db=db(1250.0))).ducks[0] == 2 * 320
    assert ENERGY.yields(trace(silence(1), clean_db=db(1150.0))).ducks == ()


def test_energy_needs_three_times_the_noise_but_no_more_than_3000() -> None:
    """A fan at 500 asks for 1500, a lorry for 3000."""
    assert ENERGY.yields(trace(silence(200), clean_db=steps((100, 500.0), (100, 1450.0)))).ducks == ()
    assert ENERGY.yields(trace(silence(200), clean_db=steps((100, 500.0), (100, 1550.0)))).ducks != ()
    assert ENERGY.yields(trace(silence(200), clean_db=steps((100, 1100.0), (100, 3050.0)))).ducks != ()


def test_a_sound_of_less_than_600_ms_only_lowers_the_reply() -> None:
    """It has ended when 300 ms were silent; so one of 300 ms is over in time, and one of 350 is not."""
    short = trace(silence(120), clean_db=steps((50, 50.0), (9, 2000.0), (61, 50.0)))
    longer = trace(silence(120), clean_db=steps((50, 50.0), (11, 2000.0), (59, 50.0)))
    assert len(ENERGY.yields(short).ducks) == 1 and ENERGY.yields(short).stops == ()
    assert len(ENERGY.yields(longer).stops) == 1


def test_the_echo_guard_needs_more_than_our_own_voice_could_be() -> None:
    """6000 * 0.6 * 1.8 = 6480: 6400 is an echo, 6600 is somebody."""
    assert ECHO_GUARD.yields(trace(silence(50), near_db=db(6400.0), far_db=db(6000.0))).ducks == ()
    assert ECHO_GUARD.yields(trace(silence(50), near_db=db(6600.0), far_db=db(6000.0))).ducks != ()


def test_the_echo_guard_remembers_the_loudest_frame_for_400_ms() -> None:
    """The delay of an echo is not known."""
    far = steps((10, 6000.0), (40, 100.0))
    ducks = ECHO_GUARD.yields(trace(silence(50), near_db=db(6000.0), far_db=far)).ducks
    # frame 15 is the last loud one: 20 more still are its echo's
    assert ducks == ((16 + 20 + 2) * 320,)


def test_the_echo_guard_learns_no_noise_from_echoes() -> None:
    """After a reply it would be deaf."""
    near = steps((100, 200.0), (100, 1100.0), (60, 200.0), (40, 1000.0))
    far = [*[-100.0] * 100, *steps((100, 6000.0)), *[-100.0] * 100]
    assert ECHO_GUARD.yields(trace(silence(300), near_db=near, far_db=far)).ducks[0] > 260 * HOP


def test_the_energy_rules_scale_with_their_threshold() -> None:
    """Half of everything."""
    quiet = trace(silence(100), clean_db=steps((50, 50.0), (50, 500.0)))
    assert ENERGY.stops(quiet) == () and len(ENERGY.at(0.5).stops(quiet)) == 1
    beside = trace(silence(50), near_db=db(3300.0), far_db=db(6000.0))
    assert ECHO_GUARD.yields(beside).ducks == () and ECHO_GUARD.at(0.5).yields(beside).ducks != ()
