"""The duck as a probe, in the form in which it was first measured: lower the reply, and see whether the evidence falls with it.

It needs a reply that yields, so it is no function of a finished trace: the bench plays the reply through it, one window of the
voice detector a step. What the evidence's level is read on, behind the canceller or on the raw microphone, is the caller's.

An echo is expected from the reference and what the room makes of it, `leak_db` above that, which is followed so that about one
window in twenty is louder. What is well above it and sounds like speech lowers the reply by 20 dB. If it was an echo it falls
with the reference, and so does what is expected. If two of five windows are above it still, it was somebody. The
self-calibrating form takes all that was heard at the duck for echo first, so that it survives an echo path that has changed.

Left open by the source, and set here: the leak begins with what is first seen, the noise is followed as the daemon does it,
and the guard window is the first that is wholly ducked, however long the sound takes to the microphone.
"""

from dataclasses import dataclass, replace
from enum import Enum
from math import log10

_WINDOW_MS = 32.0
# a reference below this teaches nothing
_AUDIBLE_DB = -60.0
# of the leak, a window: while it is being found, and where nobody may be heard; beside somebody; and down
_RISE_DB, _RISE_BESIDE_USER_DB, _FALL_DB = 0.76, 0.10, -0.04
_USER_MARGIN_DB = 6.0
# the first 2 s of a reference
_START_UP_WINDOWS = 63
# how far noise sways above its floor, and how fast the floor rises: 3 dB a second
_NOISE_SWAY_DB, _NOISE_RISE_DB = 1.5, 0.096
_FIRST_NOISE_DB = -50.0
# a failed probe teaches so much at most
_LESSON_DB = 6.0
# the bench's reply plays on after a stop: 1 s
_AFRESH_WINDOWS = 31


class Verdict(Enum):
    """What the loudspeaker is told to do."""

    NONE = "go on"
    DUCK = "lower the reply"
    UNDUCK = "raise it again"
    STOP = "stop it"


@dataclass(frozen=True, slots=True)
class ProbeRule:
    """The thresholds of the source."""

    # likely speech, well above the echo ...
    probability: float = 0.30
    duck_margin_db: float = 4.0
    # ... or hardly speech, and far above it
    faint_probability: float = 0.12
    faint_margin_db: float = 15.0
    # in the duck: likely speech, and this much above what is expected then; 2 of 5 windows
    hit_margin_db: float = 4.0
    hits: int = 2
    of_windows: int = 5
    # it has failed after so many, the guard window counted ...
    most_windows: int = 8
    # ... and nothing is tested for so many more
    refractory_windows: int = 6
    self_calibrating: bool = False
    # a furnished room
    rt60_ms: float = 400.0

    def at(self, more_db: float) -> "ProbeRule":
        """The same rule, with all its margins so much wider."""
        return replace(
            self,
            duck_margin_db=self.duck_margin_db + more_db,
            faint_margin_db=self.faint_margin_db + more_db,
            hit_margin_db=self.hit_margin_db + more_db,
        )


PLAIN = ProbeRule()
SELF_CALIBRATING = ProbeRule(self_calibrating=True, hit_margin_db=8.0)


@dataclass(frozen=True, slots=True)
class Window:
    """What one window of 32 ms brought; levels are its own, in dB relative to full scale."""

    probability: float
    """Of speech, behind the canceller."""
    level_db: float
    """Of the signal that the evidence is read on."""
    reference_db: float
    """Of what was played, after all gains, as it reaches the microphone."""
    is_ducked: bool
    """Whether all of that was played ducked."""
    is_playing: bool
    """Whether there is a reply to stop."""


class Mode(Enum):
    """What the probe is about."""

    WATCHING = "watching"
    DUCKING = "the duck has not reached the microphone"
    PROBING = "it has"


@dataclass(frozen=True, slots=True)
class Probe:
    """The state: one value, replaced every window."""

    mode: Mode = Mode.WATCHING
    reference: tuple[float, ...] = ()
    """Powers, as far back as the room remembers; the last window's first."""
    leak_db: float = 0.0
    leak_windows: int = 0
    noise_db: float = _FIRST_NOISE_DB
    refractory_windows: int = 0
    trigger_db: float = 0.0
    """Of what set off the duck: how far it was above the expectation without leak."""
    ducked: tuple[bool, ...] = ()
    """The hits and misses of the duck, without the guard window."""


def step(probe: Probe, seen: Window, rule: ProbeRule) -> tuple[Probe, Verdict]:
    """One window later."""
    probe = _remember(probe, seen, rule)
    echo_db = expected_db(probe.reference, rule)
    if probe.mode is not Mode.WATCHING:
        return _duck(probe, seen, echo_db, rule)
    over_db = seen.level_db - echo_db
    if not probe.leak_windows and echo_db > _AUDIBLE_DB:
        probe = replace(probe, leak_db=over_db)
    margin_db = _margin_db(seen.level_db, echo_db + probe.leak_db, probe.noise_db)
    followed = _follow(probe, seen, echo_db, over_db, margin_db)
    if not seen.is_playing or followed.refractory_windows or not _is_evidence(seen.probability, margin_db, rule):
        return replace(followed, refractory_windows=max(followed.refractory_windows - 1, 0)), Verdict.NONE
    return replace(followed, mode=Mode.DUCKING, trigger_db=over_db, ducked=()), Verdict.DUCK


def expected_db(reference: tuple[float, ...], rule: ProbeRule) -> float:
    """Of the echo, before any leak: the reference, and what the room still holds of it."""
    decay = 10.0 ** (-6.0 * _WINDOW_MS / rule.rt60_ms)
    return 10.0 * log10(sum(power * decay**age for age, power in enumerate(reference)) + 1e-12)


def _remember(probe: Probe, seen: Window, rule: ProbeRule) -> Probe:
    windows = 1 + int(rule.rt60_ms / _WINDOW_MS)
    return replace(probe, reference=(_power(seen.reference_db), *probe.reference)[:windows])


def _follow(probe: Probe, seen: Window, echo_db: float, over_db: float, margin_db: float) -> Probe:
    if echo_db <= _AUDIBLE_DB:
        return replace(probe, noise_db=min(probe.noise_db + _NOISE_RISE_DB, seen.level_db))
    if not seen.is_playing:
        return probe
    is_eager = probe.leak_windows < _START_UP_WINDOWS or margin_db < _USER_MARGIN_DB
    rise_db = _RISE_DB if is_eager else _RISE_BESIDE_USER_DB
    leak_db = probe.leak_db + (rise_db if over_db > probe.leak_db else _FALL_DB)
    return replace(probe, leak_db=leak_db, leak_windows=probe.leak_windows + 1)


def _is_evidence(probability: float, margin_db: float, rule: ProbeRule) -> bool:
    return (probability >= rule.probability and margin_db > rule.duck_margin_db) or (
        probability >= rule.faint_probability and margin_db > rule.faint_margin_db
    )


def _duck(probe: Probe, seen: Window, echo_db: float, rule: ProbeRule) -> tuple[Probe, Verdict]:
    if not seen.is_playing:
        return replace(probe, mode=Mode.WATCHING), Verdict.UNDUCK
    if probe.mode is Mode.DUCKING:
        # the guard window
        return replace(probe, mode=Mode.PROBING if seen.is_ducked else Mode.DUCKING), Verdict.NONE
    leak_db = max(probe.leak_db, probe.trigger_db) if rule.self_calibrating else probe.leak_db
    margin_db = _margin_db(seen.level_db, echo_db + leak_db, probe.noise_db)
    ducked = (*probe.ducked, seen.probability >= rule.probability and margin_db > rule.hit_margin_db)
    if sum(ducked[-rule.of_windows :]) >= rule.hits:
        return replace(probe, mode=Mode.WATCHING, refractory_windows=_AFRESH_WINDOWS), Verdict.STOP
    if 1 + len(ducked) >= rule.most_windows:
        return _failed(probe, rule), Verdict.UNDUCK
    return replace(probe, ducked=ducked), Verdict.NONE


def _failed(probe: Probe, rule: ProbeRule) -> Probe:
    leak_db = probe.leak_db
    if rule.self_calibrating:
        leak_db = max(leak_db, min(probe.trigger_db, leak_db + _LESSON_DB))
    return replace(probe, mode=Mode.WATCHING, leak_db=leak_db, refractory_windows=rule.refractory_windows)


def _margin_db(level_db: float, echo_db: float, noise_db: float) -> float:
    """How far a level is above the echo and the noise expected there."""
    return level_db - 10.0 * log10(_power(echo_db) + _power(noise_db + _NOISE_SWAY_DB))


def _power(level_db: float) -> float:
    return float(10.0 ** (level_db / 10.0))
