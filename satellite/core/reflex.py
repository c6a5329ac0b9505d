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

What went on in the room before the reply began is not about us. Where that was talk - a television - the near-end detector
tells only of what is louder than it, and the probe takes half a second; where it was anything else that comes and goes, only
the voice detector can tell a user, and a vowel cannot.

`step` is a pure function of state and observation. It knows no clock but the count of microphone frames.
"""

from dataclasses import dataclass, field, replace
from enum import Enum

from satellite.core.echo import NEAR_END_DB, Excess, Leftovers, RoomRule
from satellite.core.units import SILENCE_DB, Decibels, Frames, Millis, Probability, frames

# from one window of the voice detector to the next
_WINDOW_MS = 16


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
    UNDUCK = "raise it again: it was our echo, or no voice"
    CALL_OFF = "raise it again: the test cannot be finished"
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
    # Where so much of what is heard while idle is voice, others are talking: a television is at .8 and its pauses are short. It
    # takes as long to believe that, so that neither a wake word nor a command is taken for talk
    talk_share: float = 0.30
    talk_memory_ms: Millis = Millis(6000)
    # what exceeds a television does so for a moment again and again, but seldom for half a second
    talk_hits: int = 8
    talk_window_ms: Millis = Millis(500)
    talk_timeout_ms: Millis = Millis(650)
    # beside talk, music and dishes a vowel is no sign; music reaches this in one window of 500
    lively_probability: float = 0.30
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
    quiet_near_end_db: float = 4.0
    quiet_ms: Millis = Millis(250)
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
    """How voiced the raw microphone is, where no reply drowns it."""
    reference_db: Decibels
    """Of what the speaker emitted, after all gains, as it reaches the microphone in this period."""
    is_ducked: bool
    """Whether what reaches the microphone in this period was played ducked."""
    is_playing: bool
    """Whether there is a reply that an interruption would stop."""
    remaining_ms: Millis | None
    """What the speaker has yet to play of it; None while more may come."""
    is_idle: bool = False
    """Whether there is no reply, and the user does not have the floor."""

    @property
    def is_beside_talk(self) -> bool:
        """Whether others were talking before the reply began."""
        return self.near_end.background_db > SILENCE_DB


@dataclass(frozen=True, slots=True)
class Heard:
    """Who was heard last, and when nobody was."""

    voice: Frames = Frames(-(10**9))
    """Where the last window that could be the user ended, by the voice detector ..."""
    sound: Frames = Frames(-(10**9))
    """... and the last period in which the near-end detector heard somebody over our echo."""
    last_quiet: Frames = Frames(0)
    quiet_since: Frames | None = None
    probability: Probability = Probability(0.0)
    margin_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Reflex:
    """The reflex's state: one value, replaced every period."""

    mode: Mode = Mode.WATCHING
    since: Frames = Frames(0)
    onset: Frames = Frames(0)
    peak_probability: Probability = Probability(0.0)
    hits: tuple[Frames, ...] = ()
    refractory_until: Frames = Frames(0)
    false_alarms: tuple[Frames, ...] = ()
    """The last of them, as many as make a room noisy."""
    leftovers: Leftovers = Leftovers()
    heard: Heard = Heard()
    talk: float = 0.0
    """How much of what was heard while idle was voice, of late."""

    def is_beside_talk(self, rule: ReflexRule) -> bool:
        """Whether others were talking before the reply began."""
        return self.talk >= rule.talk_share

    def is_noisy(self, at: Frames, rule: ReflexRule) -> bool:
        """Whether sounds that were no voices have dipped the reply again and again of late."""
        return len(self.false_alarms) == rule.noisy_alarms and at - self.false_alarms[0] <= frames(rule.noisy_ms)

    def is_live(self, at: Frames, rule: ReflexRule) -> bool:
        """Whether there was a voice just now."""
        return at - self.heard.voice <= frames(rule.live_ms)

    def voice_over_end(self, at: Frames, rule: ReflexRule) -> Frames | None:
        """The onset of a voice that is speaking over a reply's end, if there is one."""
        if self.mode in (Mode.DUCKING, Mode.PROBING):
            return self.onset
        if self.is_live(at, rule) or at - self.heard.sound <= frames(rule.live_ms):
            return self.onset_at(at, rule)
        return None

    def onset_at(self, at: Frames, rule: ReflexRule) -> Frames:
        """Where a voice that is heard now began."""
        return Frames(max(self.heard.last_quiet, at - frames(rule.onset_limit_ms), 0))


def step(reflex: Reflex, seen: Observation, rule: ReflexRule) -> tuple[Reflex, Verdict]:
    """One period."""
    reflex = _listen(reflex, seen, rule)
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
    is_sound = seen.near_end.now_db >= rule.near_end_db
    somebody = is_sound or reflex.mode is not Mode.WATCHING or reflex.is_live(seen.end, rule)
    leftovers = reflex.leftovers.add(seen.reference_db, seen.clean_db, somebody, rule.room)
    heard = reflex.heard
    sound = seen.end if is_sound and leftovers.is_audible else heard.sound
    if seen.probability is not None:
        heard = _window(heard, sound, seen, seen.probability, leftovers.margin_db(seen.near_end.background_db), rule)
    elif sound != heard.sound:
        heard = replace(heard, sound=sound)
    talk = reflex.talk
    if seen.is_idle and seen.probability is not None:
        talk += ((seen.probability >= rule.duck_probability) - talk) * _WINDOW_MS / rule.talk_memory_ms
    return replace(reflex, leftovers=leftovers, heard=heard, talk=talk)


def _window(
    heard: Heard, sound: Frames, seen: Observation, probability: Probability, margin_db: float, rule: ReflexRule
) -> Heard:
    is_voice = probability >= rule.duck_probability and margin_db >= rule.duck_margin_db
    voice, last_quiet, since = seen.end if is_voice else heard.voice, heard.last_quiet, None
    if seen.near_end.now_db < rule.quiet_near_end_db:
        since = seen.end if heard.quiet_since is None else heard.quiet_since
        if seen.end - since >= frames(rule.quiet_ms):
            last_quiet = seen.end
    return Heard(voice, sound, last_quiet, since, probability, margin_db)


def _is_evidence(reflex: Reflex, seen: Observation, rule: ReflexRule) -> bool:
    return _is_voice(reflex, seen, rule) or _is_sound(reflex, seen, rule)


def _is_voice(reflex: Reflex, seen: Observation, rule: ReflexRule) -> bool:
    if seen.probability is None:
        return False
    probability, margin_db = seen.probability, reflex.heard.margin_db
    return (probability >= rule.duck_probability and margin_db >= rule.duck_margin_db) or (
        probability >= rule.faint_probability and margin_db >= rule.faint_margin_db
    )


def _is_sound(reflex: Reflex, seen: Observation, rule: ReflexRule) -> bool:
    is_doubted = seen.near_end.is_lively or reflex.is_noisy(seen.end, rule)
    believed = not is_doubted or reflex.heard.probability >= rule.noisy_probability
    return believed and seen.near_end.now_db >= rule.near_end_db


# ---- what is decided


def _may_interrupt(seen: Observation, rule: ReflexRule) -> bool:
    return seen.is_playing and (seen.remaining_ms is None or seen.remaining_ms > rule.last_ms)


def _watch(reflex: Reflex, seen: Observation, rule: ReflexRule) -> tuple[Reflex, Verdict]:
    if not _may_interrupt(seen, rule) or seen.end < reflex.refractory_until or not _is_evidence(reflex, seen, rule):
        return reflex, Verdict.NONE
    ducking = replace(
        reflex,
        mode=Mode.DUCKING,
        since=seen.end,
        onset=reflex.onset_at(seen.end, rule),
        peak_probability=reflex.heard.probability,
        hits=(),
    )
    return ducking, Verdict.DUCK


def _await_duck(reflex: Reflex, seen: Observation, rule: ReflexRule) -> tuple[Reflex, Verdict]:
    """What is heard now was played before the duck; it counts from when the ducked sound arrives."""
    if not _may_interrupt(seen, rule):
        return rest(reflex, seen.end, rule), Verdict.CALL_OFF
    if seen.is_ducked:
        return replace(reflex, mode=Mode.PROBING, since=seen.end), Verdict.NONE
    if seen.end - reflex.since >= frames(rule.longest_loop_ms):
        return _give_up(reflex, seen, rule)
    return reflex, Verdict.NONE


def _probe(reflex: Reflex, seen: Observation, rule: ReflexRule) -> tuple[Reflex, Verdict]:
    if not _may_interrupt(seen, rule):
        return rest(reflex, seen.end, rule), Verdict.CALL_OFF
    if seen.probability is not None:
        reflex = _count_hit(reflex, seen, seen.probability, rule)
        if len(reflex.hits) >= (rule.talk_hits if seen.is_beside_talk else rule.probe_hits):
            return replace(reflex, mode=Mode.HELD), Verdict.HOLD
    if seen.end - reflex.since >= frames(rule.talk_timeout_ms if seen.is_beside_talk else rule.probe_timeout_ms):
        return _give_up(reflex, seen, rule)
    return reflex, Verdict.NONE


def _count_hit(reflex: Reflex, seen: Observation, probability: Probability, rule: ReflexRule) -> Reflex:
    oldest = seen.end - frames(rule.talk_window_ms if seen.is_beside_talk else rule.probe_window_ms)
    hits = tuple(h for h in reflex.hits if h > oldest)
    is_voice = probability >= rule.probe_probability or seen.voicing >= rule.probe_voicing
    if seen.near_end.is_lively:
        is_voice = probability >= rule.lively_probability
    if is_voice and seen.near_end.in_probe_db >= rule.near_end_db:
        hits = (*hits, seen.end)
    return replace(reflex, hits=hits, peak_probability=max(probability, reflex.peak_probability))


def _give_up(reflex: Reflex, seen: Observation, rule: ReflexRule) -> tuple[Reflex, Verdict]:
    """It was our echo, for it fell with us, or no voice. So what the canceller leaves may be this loud."""
    return replace(resume(reflex, seen.end, rule), leftovers=reflex.leftovers.taught()), Verdict.UNDUCK
