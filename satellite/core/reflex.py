"""The reflex: is somebody talking over us? Decides every 10 ms, on the audio clock, inside the audio thread.

Theory of operation
-------------------
Whoever listens to a microphone beside its own loudspeaker hears itself. There are two witnesses, and each has a weakness.
The voice detector listens behind the canceller, which leaves little of our echo, but takes a soft user away with it for a
few hundred milliseconds. The near-end detector compares the raw microphone, band by band, with what the speaker explains;
it is there at once, but knows sounds and not voices, and believes what it was taught of the echo path. So neither decides
alone. We hold the volume knob: turn the reply down by 20 dB, and our echo in the raw microphone falls by as much, whatever
state canceller and path are in. A person does not fall. The duck is the test.

1. WATCHING. Voice behind the canceller, or a sound that the speaker does not explain: DUCK.
2. DUCKING. Waiting for the ducked sound to reach the microphone.
3. PROBING. All that was heard at the duck is taken for echo, and should have fallen. A window is a hit if more is heard than
   that, and it is a voice. Enough hits in a few windows: HOLD. Too few in a quarter of a second: UNDUCK, and wait.
4. HELD. The reply stands still. What becomes of it is the conversation's to decide.

So a wrong idea of the echo path costs a dip in volume and not the reply. Where sounds that are no voices dip it again and
again - dishes, music - the near-end detector alone is not believed for a while.

`step` is a pure function of state and observation. It knows no clock but the count of microphone frames.
"""

from dataclasses import dataclass, field, replace
from enum import Enum

from satellite.core.echo import AUDIBLE_REFERENCE_DB, NEAR_END_DB, Average, Coupling, Excess, Floor, RoomRule, Smear, margin_db
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
    # or a sound in the room that the speaker does not explain
    near_end_db: float = NEAR_END_DB
    # in the probe that must be there still, and be a voice: the detector, dazed by the echo, only has to consent ...
    probe_probability: float = 0.15
    # ... or what is heard is voiced, as vowels are and breath, coughs and clatter are not
    probe_voicing: float = 0.5
    probe_hits: int = 2
    # 2 hits of the last 5 windows of 32 ms
    probe_window_ms: Millis = Millis(160)
    # a word that was there at the trigger shows itself in this time or was none
    probe_timeout_ms: Millis = Millis(250)
    # after a probe that failed, so that one sound is not tested over and over
    refractory_ms: Millis = Millis(200)
    # so many alarms that were false within so long, and a sound alone is no evidence until the first of them is so old (a fit
    # of coughs makes two) ...
    noisy_alarms: int = 3
    noisy_ms: Millis = Millis(30_000)
    # ... unless the voice detector finds it this likely
    noisy_probability: float = 0.08
    # nothing is interrupted this close to the end of a reply
    last_ms: Millis = Millis(50)
    # an onset lies at most so far before its detection
    onset_limit_ms: Millis = Millis(1000)
    # echo alone hardly ever reaches this, so a window below it is silence; the onset is looked for behind the last stretch
    # of these that was longer than a pause inside a word
    quiet_near_end_db: float = 8.0
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
    clean_db: Decibels
    """Behind the canceller."""
    near_end: Excess
    """Of the raw microphone."""
    voicing: float
    """How voiced the raw microphone is; asked for in a probe only."""
    reference_db: Decibels
    """Of what the speaker emitted, after all gains, as it reaches the microphone in this period."""
    is_ducked: bool
    """Whether what reaches the microphone in this period was played ducked."""
    is_playing: bool
    """Whether there is a reply that an interruption would stop."""
    remaining_ms: Millis | None
    """What the speaker has yet to play of it; None while more may come."""


@dataclass(frozen=True, slots=True)
class Reflex:
    """The reflex's state: one value, replaced every period."""

    mode: Mode = Mode.WATCHING
    since: Frames = Frames(0)
    onset: Frames = Frames(0)
    voice: Frames = Frames(-(10**9))
    """Where the last window that could be the user ended, by the voice detector ..."""
    sound: Frames = Frames(-(10**9))
    """... and the last period, by the near-end detector."""
    peak_probability: Probability = Probability(0.0)
    hits: tuple[Frames, ...] = ()
    refractory_until: Frames = Frames(0)
    false_alarms: tuple[Frames, ...] = ()
    """The last of them, as many as make a room noisy."""
    last_quiet: Frames = Frames(0)
    quiet_since: Frames | None = None
    last_probability: Probability = Probability(0.0)
    smear: Smear = Smear()
    echo: Average = Average()
    clean: Average = Average()
    noise: Floor = Floor()
    leak: Coupling = Coupling()
    """Of the canceller: how far above the prediction its leftovers may be."""
    margin_db: float = 0.0

    def is_noisy(self, at: Frames, rule: ReflexRule) -> bool:
        """Whether sounds that were no voices have dipped the reply again and again of late."""
        return len(self.false_alarms) == rule.noisy_alarms and at - self.false_alarms[0] <= frames(rule.noisy_ms)

    def is_live(self, at: Frames, rule: ReflexRule) -> bool:
        """Whether there was a voice just now."""
        return at - self.voice <= frames(rule.live_ms)

    def voice_over_end(self, at: Frames, rule: ReflexRule) -> Frames | None:
        """The onset of a voice that is speaking over a reply's end, if there is one."""
        if self.mode in (Mode.DUCKING, Mode.PROBING):
            return self.onset
        if self.is_live(at, rule) or at - self.sound <= frames(rule.live_ms):
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
    """The reply goes on after a hold that was a false alarm: watch again, after a moment."""
    return rest(replace(reflex, false_alarms=(*reflex.false_alarms, at)[-rule.noisy_alarms :]), at, rule)


def rest(reflex: Reflex, at: Frames, rule: ReflexRule) -> Reflex:
    """No longer about the sound it was about: watch again, after a moment."""
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
    echo, clean = reflex.echo.add(smear.level_db), reflex.clean.add(seen.clean_db)
    changed = replace(reflex, smear=smear, echo=echo, clean=clean)
    if echo.level_db < AUDIBLE_REFERENCE_DB:
        return replace(changed, noise=reflex.noise.add(clean.level_db))
    is_sound = seen.near_end.now_db >= rule.near_end_db
    somebody = is_sound or reflex.mode is not Mode.WATCHING or reflex.is_live(seen.end, rule)
    leak = reflex.leak.add(clean.level_db - echo.level_db, somebody)
    return replace(changed, leak=leak, sound=seen.end if is_sound else reflex.sound)


def _note_voice(reflex: Reflex, seen: Observation, rule: ReflexRule) -> Reflex:
    probability = seen.probability or Probability(0.0)
    margin = margin_db(reflex.clean.level_db, reflex.echo.level_db + reflex.leak.level_db, reflex.noise)
    noted = replace(reflex, margin_db=margin, last_probability=probability)
    if seen.near_end.now_db < rule.quiet_near_end_db:
        since = seen.end if reflex.quiet_since is None else reflex.quiet_since
        long_enough = seen.end - since >= frames(rule.quiet_ms)
        noted = replace(noted, quiet_since=since, last_quiet=seen.end if long_enough else reflex.last_quiet)
    else:
        noted = replace(noted, quiet_since=None)
    if probability >= rule.duck_probability and margin >= rule.duck_margin_db:
        return replace(noted, voice=seen.end)
    return noted


def _is_evidence(reflex: Reflex, seen: Observation, rule: ReflexRule) -> bool:
    return _is_voice(reflex, seen, rule) or _is_sound(reflex, seen, rule)


def _is_voice(reflex: Reflex, seen: Observation, rule: ReflexRule) -> bool:
    if seen.probability is None:
        return False
    return (seen.probability >= rule.duck_probability and reflex.margin_db >= rule.duck_margin_db) or (
        seen.probability >= rule.faint_probability and reflex.margin_db >= rule.faint_margin_db
    )


def _is_sound(reflex: Reflex, seen: Observation, rule: ReflexRule) -> bool:
    believed = not reflex.is_noisy(seen.end, rule) or reflex.last_probability >= rule.noisy_probability
    return believed and seen.near_end.now_db >= rule.near_end_db


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
        peak_probability=reflex.last_probability,
        hits=(),
    )
    return ducking, Verdict.DUCK


def _await_duck(reflex: Reflex, seen: Observation, rule: ReflexRule) -> tuple[Reflex, Verdict]:
    """What is heard now was played before the duck; it counts from when the ducked sound arrives."""
    if not _may_interrupt(seen, rule):
        return rest(reflex, seen.end, rule), Verdict.UNDUCK
    if seen.is_ducked:
        return replace(reflex, mode=Mode.PROBING, since=seen.end), Verdict.NONE
    if seen.end - reflex.since >= frames(rule.longest_loop_ms):
        return _give_up(reflex, seen, rule)
    return reflex, Verdict.NONE


def _probe(reflex: Reflex, seen: Observation, rule: ReflexRule) -> tuple[Reflex, Verdict]:
    if not _may_interrupt(seen, rule):
        return rest(reflex, seen.end, rule), Verdict.UNDUCK
    if seen.probability is not None:
        reflex = _count_hit(reflex, seen, seen.probability, rule)
        if len(reflex.hits) >= rule.probe_hits:
            return replace(reflex, mode=Mode.HELD), Verdict.HOLD
    if seen.end - reflex.since >= frames(rule.probe_timeout_ms):
        return _give_up(reflex, seen, rule)
    return reflex, Verdict.NONE


def _count_hit(reflex: Reflex, seen: Observation, probability: Probability, rule: ReflexRule) -> Reflex:
    oldest = seen.end - frames(rule.probe_window_ms)
    hits = tuple(h for h in reflex.hits if h > oldest)
    is_voice = probability >= rule.probe_probability or seen.voicing >= rule.probe_voicing
    if is_voice and seen.near_end.in_probe_db >= rule.near_end_db:
        hits = (*hits, seen.end)
    return replace(reflex, hits=hits, peak_probability=max(probability, reflex.peak_probability))


def _give_up(reflex: Reflex, seen: Observation, rule: ReflexRule) -> tuple[Reflex, Verdict]:
    """It was our echo, for it fell with us, or no voice. So what the canceller leaves may be this loud."""
    # at most 6 dB at a time: a soft voice that failed the test must not make us deaf to the next one
    learnt = min(reflex.clean.level_db - reflex.echo.level_db, reflex.leak.level_db + 6.0)
    return replace(resume(reflex, seen.end, rule), leak=reflex.leak.at_least(learnt)), Verdict.UNDUCK
