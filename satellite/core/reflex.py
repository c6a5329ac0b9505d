"""The reflex: is somebody talking over us? Decides every 10 ms, on the audio clock, inside the audio thread.

Theory of operation
-------------------
Whoever listens to a microphone beside its own loudspeaker hears itself. The canceller takes most of that away, never all,
and what it leaves sounds like speech, because it is. So no threshold on the cancelled signal can tell a quiet user from a
loud echo. But we hold the volume knob: turn the reply down by 20 dB, and our echo in the raw microphone falls by as much,
whatever state the canceller is in. A person does not fall. The duck is the test.

1. WATCHING. Voice in the cancelled signal, louder than the echo expected to be left there: DUCK.
2. DUCKING. Waiting for the ducked sound to reach the microphone.
3. PROBING. A window is a hit if there still is voice and the raw microphone is louder than the ducked echo can be. Enough
   hits in a few windows: HOLD. Too few in a quarter of a second: UNDUCK, learn from it how loud our echo can be, and wait.
4. HELD. The reply stands still. What becomes of it is the conversation's to decide.

The echo that the raw microphone should hear is calibrated at the very moment of the duck, so a wrong idea of the echo path
costs a dip in volume and not the reply.

`step` is a pure function of state and observation. It knows no clock but the count of microphone frames.
"""

from dataclasses import dataclass, field, replace
from enum import Enum

from satellite.core.echo import AUDIBLE_REFERENCE_DB, Average, Coupling, Floor, RoomRule, Smear, margin_db
from satellite.core.units import Decibels, Frames, Millis, Probability, frames


class Mode(Enum):
    """What the reflex is about."""

    WATCHING = "watching"
    DUCKING = "ducking"
    PROBING = "probing"
    HELD = "held"


class Verdict(Enum):
    """What the speaker is told to do."""

    NONE = "go on"
    DUCK = "lower the reply"
    UNDUCK = "raise it again"
    HOLD = "stop it, ready to go on"


@dataclass(frozen=True, slots=True)
class ReflexRule:
    """The thresholds of the decision."""

    # evidence: one window of likely voice ...
    duck_probability: float = 0.30
    # ... that the expected echo does not explain
    duck_margin_db: float = 4.0
    # or a faint one that is far above it: weak first consonants
    faint_probability: float = 0.12
    faint_margin_db: float = 15.0
    # in the probe the raw microphone is the witness; the voice detector, still dazed by the echo, only has to consent
    probe_probability: float = 0.15
    # the raw microphone above the ducked echo
    probe_margin_db: float = 5.0
    # while the canceller is still learning, its leftovers sound most like voice
    converging_margin_db: float = 7.0
    probe_hits: int = 2
    # 2 hits of the last 5 windows of 32 ms
    probe_window_ms: Millis = Millis(160)
    # a word that was there at the trigger shows itself in this time or was none
    probe_timeout_ms: Millis = Millis(250)
    # after a probe that failed, so that one sound is not tested over and over
    refractory_ms: Millis = Millis(200)
    # nothing is interrupted this close to the end of a reply
    last_ms: Millis = Millis(50)
    # an onset lies at most so far before its detection
    onset_limit_ms: Millis = Millis(1000)
    # a window below both is silence; the onset is looked for behind the last stretch of these that was longer than a pause
    # inside a word
    quiet_probability: float = 0.10
    quiet_margin_db: float = 1.0
    quiet_ms: Millis = Millis(200)
    # a voice this recent is still there
    live_ms: Millis = Millis(100)
    # from writing a sample to hearing it; slower paths are refused at set-up
    longest_loop_ms: Millis = Millis(400)
    room: RoomRule = field(default_factory=RoomRule)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one period brought. Levels are of the period, in dB relative to full scale."""

    end: Frames
    probability: Probability | None
    """Of the voice detector's window that ended in this period, if one did."""
    mic_db: Decibels
    clean_db: Decibels
    reference_db: Decibels
    """Of what the speaker emitted, after all gains, as it reaches the microphone in this period."""
    is_ducked: bool
    """Whether what reaches the microphone in this period was played ducked."""
    is_playing: bool
    """Whether there is a reply that an interruption would stop."""
    remaining_ms: Millis | None
    """What the speaker has yet to play of it; None while more may come."""
    is_converging: bool
    """Whether the canceller is still learning the echo path."""


@dataclass(frozen=True, slots=True)
class Reflex:
    """The reflex's state: one value, replaced every period."""

    mode: Mode = Mode.WATCHING
    since: Frames = Frames(0)
    onset: Frames = Frames(0)
    voice: Frames = Frames(-(10**9))
    """Where the last window that could be the user ended."""
    peak_probability: Probability = Probability(0.0)
    hits: tuple[Frames, ...] = ()
    refractory_until: Frames = Frames(0)
    last_quiet: Frames = Frames(0)
    quiet_since: Frames | None = None
    trigger_excess_db: float = 0.0
    smear: Smear = Smear()
    echo: Average = Average()
    mic: Average = Average()
    clean: Average = Average()
    mic_noise: Floor = Floor()
    clean_noise: Floor = Floor()
    coupling: Coupling = Coupling()
    leak: Coupling = Coupling()
    margin_db: float = 0.0
    probe_margin_db: float = 0.0

    def is_live(self, at: Frames, rule: ReflexRule) -> bool:
        """Whether there was a voice just now."""
        return at - self.voice <= frames(rule.live_ms)

    def voice_over_end(self, at: Frames, rule: ReflexRule) -> Frames | None:
        """The onset of a voice that is speaking over a reply's end, if there is one."""
        if self.mode in (Mode.DUCKING, Mode.PROBING):
            return self.onset
        if self.is_live(at, rule):
            return Frames(max(self.last_quiet, at - frames(rule.onset_limit_ms), 0))
        return None


def step(reflex: Reflex, seen: Observation, rule: ReflexRule) -> tuple[Reflex, Verdict]:
    """One period."""
    reflex = _listen(reflex, seen, rule)
    if seen.probability is not None:
        reflex = _note_voice(reflex, seen, rule)
    match reflex.mode:
        case Mode.WATCHING:
            return _watch(reflex, seen, rule)
        case Mode.DUCKING:
            return _await_duck(reflex, seen, rule)
        case Mode.PROBING:
            return _probe(reflex, seen, rule)
        case Mode.HELD:
            return reflex, Verdict.NONE


def resume(reflex: Reflex, at: Frames, rule: ReflexRule) -> Reflex:
    """The reply goes on after a hold: watch again, after a moment."""
    return replace(reflex, mode=Mode.WATCHING, hits=(), refractory_until=Frames(at + frames(rule.refractory_ms)))


def hold(reflex: Reflex, onset: Frames) -> Reflex:
    """The reply is held for a voice that was there before it began."""
    return replace(reflex, mode=Mode.HELD, onset=onset, hits=())


def release(reflex: Reflex) -> Reflex:
    """There is no reply any more."""
    return replace(reflex, mode=Mode.WATCHING, hits=(), refractory_until=Frames(0))


# ---- what is heard


def _listen(reflex: Reflex, seen: Observation, rule: ReflexRule) -> Reflex:
    smear = reflex.smear.add(seen.reference_db, rule.room)
    echo, mic, clean = reflex.echo.add(smear.level_db), reflex.mic.add(seen.mic_db), reflex.clean.add(seen.clean_db)
    changed = replace(reflex, smear=smear, echo=echo, mic=mic, clean=clean)
    if echo.level_db < AUDIBLE_REFERENCE_DB:
        return replace(
            changed,
            mic_noise=reflex.mic_noise.add(mic.level_db),
            clean_noise=reflex.clean_noise.add(clean.level_db),
        )
    near_end = reflex.mode is not Mode.WATCHING or reflex.is_live(seen.end, rule)
    return replace(
        changed,
        coupling=reflex.coupling.add(mic.level_db - echo.level_db, near_end),
        leak=reflex.leak.add(clean.level_db - echo.level_db, near_end),
    )


def _note_voice(reflex: Reflex, seen: Observation, rule: ReflexRule) -> Reflex:
    probability = seen.probability or Probability(0.0)
    margin = margin_db(reflex.clean.level_db, reflex.echo.level_db + reflex.leak.level_db, reflex.clean_noise)
    noted = replace(reflex, margin_db=margin)
    if probability < rule.quiet_probability and margin < rule.quiet_margin_db:
        since = seen.end if reflex.quiet_since is None else reflex.quiet_since
        long_enough = seen.end - since >= frames(rule.quiet_ms)
        return replace(noted, quiet_since=since, last_quiet=seen.end if long_enough else reflex.last_quiet)
    noted = replace(noted, quiet_since=None)
    if probability >= rule.duck_probability and margin >= rule.duck_margin_db:
        return replace(noted, voice=seen.end)
    return noted


def _is_evidence(reflex: Reflex, seen: Observation, rule: ReflexRule) -> bool:
    if seen.probability is None:
        return False
    return (seen.probability >= rule.duck_probability and reflex.margin_db >= rule.duck_margin_db) or (
        seen.probability >= rule.faint_probability and reflex.margin_db >= rule.faint_margin_db
    )


# ---- what is decided


def _may_interrupt(seen: Observation, rule: ReflexRule) -> bool:
    return seen.is_playing and (seen.remaining_ms is None or seen.remaining_ms > rule.last_ms)


def _watch(reflex: Reflex, seen: Observation, rule: ReflexRule) -> tuple[Reflex, Verdict]:
    if not _may_interrupt(seen, rule) or seen.end < reflex.refractory_until or not _is_evidence(reflex, seen, rule):
        return reflex, Verdict.NONE
    earliest = seen.end - frames(rule.onset_limit_ms)
    ducking = replace(
        reflex,
        mode=Mode.DUCKING,
        since=seen.end,
        onset=Frames(max(reflex.last_quiet, earliest, 0)),
        peak_probability=seen.probability or Probability(0.0),
        trigger_excess_db=reflex.mic.level_db - reflex.echo.level_db,
        hits=(),
    )
    return ducking, Verdict.DUCK


def _await_duck(reflex: Reflex, seen: Observation, rule: ReflexRule) -> tuple[Reflex, Verdict]:
    """What is heard now was played before the duck; it counts from when the ducked sound arrives."""
    if not _may_interrupt(seen, rule):
        return resume(reflex, seen.end, rule), Verdict.UNDUCK
    if seen.is_ducked:
        return replace(reflex, mode=Mode.PROBING, since=seen.end), Verdict.NONE
    if seen.end - reflex.since >= frames(rule.longest_loop_ms):
        return _give_up(reflex, seen, rule)
    return reflex, Verdict.NONE


def _probe(reflex: Reflex, seen: Observation, rule: ReflexRule) -> tuple[Reflex, Verdict]:
    if not _may_interrupt(seen, rule):
        return resume(reflex, seen.end, rule), Verdict.UNDUCK
    if seen.probability is not None:
        reflex = _count_hit(reflex, seen, rule)
        if len(reflex.hits) >= rule.probe_hits:
            return replace(reflex, mode=Mode.HELD), Verdict.HOLD
    if seen.end - reflex.since >= frames(rule.probe_timeout_ms):
        return _give_up(reflex, seen, rule)
    return reflex, Verdict.NONE


def _count_hit(reflex: Reflex, seen: Observation, rule: ReflexRule) -> Reflex:
    probability = seen.probability or Probability(0.0)
    coupling_db = max(reflex.coupling.level_db, reflex.trigger_excess_db)
    margin = margin_db(reflex.mic.level_db, reflex.echo.level_db + coupling_db, reflex.mic_noise)
    needed = rule.converging_margin_db if seen.is_converging else rule.probe_margin_db
    oldest = seen.end - frames(rule.probe_window_ms)
    hits = tuple(h for h in reflex.hits if h > oldest)
    if probability >= rule.probe_probability and margin >= needed:
        hits = (*hits, seen.end)
    peak = max(probability, reflex.peak_probability)
    return replace(reflex, hits=hits, probe_margin_db=margin, peak_probability=peak)


def _give_up(reflex: Reflex, seen: Observation, rule: ReflexRule) -> tuple[Reflex, Verdict]:
    """It was our echo, for it fell with us. So our echo may be this loud."""
    # at most 6 dB at a time: a soft voice that failed the test must not make us deaf to the next one
    learnt = min(reflex.clean.level_db - reflex.echo.level_db, reflex.leak.level_db + 6.0)
    return replace(resume(reflex, seen.end, rule), leak=reflex.leak.at_least(learnt)), Verdict.UNDUCK
