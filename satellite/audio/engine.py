"""What the audio thread does every 10 ms: hear, decide, play.

The engine runs the same in the thread on real hardware, in the demo on a simulated card, and in virtual time; it is stepped
from outside and waits only in `Card.wait`. It never logs, never touches a file or a socket, and talks to the event loop by
values in bounded queues.
"""

from collections import deque
from collections.abc import Callable

import numpy as np

from satellite.audio import commands as cmd
from satellite.audio.capture import Capture, Punctuality
from satellite.audio.card import Card, Samples
from satellite.audio.detectors import Canceller, NearEndDetector, VoiceDetector, Voicing
from satellite.audio.ear import Ear, Sense
from satellite.audio.echo_sampler import LoopDelay
from satellite.audio.feeder import Feeder
from satellite.audio.levels import level_db
from satellite.audio.player import Player, Status
from satellite.core import events as ev
from satellite.core import reflex as rx
from satellite.core.echo import AUDIBLE_REFERENCE_DB
from satellite.core.reflex import Mode, Observation, Reflex, ReflexRule, Verdict
from satellite.core.say import Allow
from satellite.core.self_test import SelfTest
from satellite.core.units import PERIOD_FRAMES, RATE_HZ, Frames, Millis, Probability, frames, millis

# a dead microphone must not silence the speaker
STALL_MS = 200
# a reply's first sample waits so long for a voice to finish
POLITE_MS = 300
# two seconds of reports that the event loop has not fetched
MOST_REPORTS = 500
# far more than come between two steps; if the thread stands still, the oldest are the ones that matter least
MOST_COMMANDS = 500


class AudioEngine:
    """Owns everything that lives on the audio clock. `frame` counts the microphone's frames since the start."""

    def __init__(
        self,
        canceller: Canceller,
        detector: VoiceDetector,
        near_end: NearEndDetector,
        voicing: Voicing,
        rule: ReflexRule,
        clock: Callable[[], float],
        queue_ms: int = 30,
        on_period: Callable[[int, Samples, Samples | None], None] = lambda first, samples, played: None,
        shape: Callable[[Samples], Samples] = lambda samples: samples,
        gain_db: float = 0.0,
    ) -> None:
        self.reports: deque[cmd.Report] = deque(maxlen=2 * MOST_REPORTS)
        self.commands: deque[cmd.Command] = deque(maxlen=MOST_COMMANDS)
        self.frame = Frames(0)
        self.reflex, self.punctuality = Reflex(), Punctuality()
        self.overruns = self.underruns = 0
        """Of all devices that were attached. May be read from any thread."""
        self._ear = Ear(canceller, detector, near_end, voicing)
        self._is_user_heard, self._is_muted, self._is_idle = False, False, True
        self._usual_rule, self._test = rule, SelfTest()
        self._own_rule: ReflexRule | None = None
        self.clock, self.queue_ms = clock, queue_ms
        self._epoch_s, self._on_period = clock(), on_period
        self._shape, self._gain_db = shape, gain_db
        self._card: Card | None = None
        self.player = Player(RATE_HZ)
        self._polite_until: Frames | None = None
        self._waiting: cmd.PlayReply | None = None
        self._allow = Allow.NONE
        self._kept_turn: int | None = None
        self._heard_at_s, self._is_stalled, self._loop, self._delay = clock(), False, LoopDelay(), frames(queue_ms)

    # ---- the card

    def attach(self, card: Card, has_speaker: bool = True) -> None:
        """Begins to use a card that has just been opened. Lost time shows as a gap in the frame count."""
        self._card = card
        self.take_speaker(has_speaker)
        self.take_microphone(True)

    def take_speaker(self, is_there: bool) -> None:
        """Of its card, which has another speaker now; or, if it is not there, something that plays to nobody."""
        assert self._card is not None
        speaker = self._card.speaker
        # what plays to nobody goes on aloud; what was heard has ended
        if not is_there or speaker.rate_hz != self.player.rate_hz:
            if is_there and self.player.reply is not None:
                self.reports.append(ev.SpeakerLost(self.now()))
            self._forget_reply()
            self.player = Player(speaker.rate_hz, self.player.volume)
        self._out = Feeder(speaker, self.player, self.queue_ms, is_there)
        self._has_speaker, self._known_underruns = is_there, speaker.underruns

    def take_microphone(self, is_there: bool) -> None:
        """The same for the microphone; one that is not there gives nothing."""
        assert self._card is not None
        microphone = self._card.microphone
        self._capture, self._known_overruns = Capture(microphone, self._gain_db, self.punctuality), microphone.overruns
        self._out.begin_reference()
        if is_there:
            away_s = max(self.clock() - self._heard_at_s, 0.0)
            self.frame = Frames(self.frame + int(away_s * RATE_HZ) // PERIOD_FRAMES * PERIOD_FRAMES)
            self._heard_at_s = self.clock()

    # ---- one turn of the wheel

    def step(self, timeout_s: float = 0.02) -> None:
        """Waits for a period, at most so long, and does all that is due. DeviceError if the card is gone."""
        assert self._card is not None
        self._card.wait(timeout_s)
        while self.commands:
            self._obey(self.commands.popleft())
        while (period := self._capture.read()) is not None:
            self._hear(period)
            self._fill()
        self._notice_stall()
        self._notice_xruns()
        self._out.begin_anew()
        self._fill()

    @property
    def position(self) -> ev.Position | None:
        """How far the reply has come, as of the last period; None without one. May be asked from any thread."""
        player = self.player
        return None if player.reply is None else player.position

    def now(self) -> Millis:
        """On the stream clock."""
        return Millis(int((self.clock() - self._epoch_s) * 1000))

    # ---- hearing

    @property
    def _rule(self) -> ReflexRule:
        """That of the reply that plays or waits to, if it has one."""
        return self._own_rule or self._usual_rule

    def _hear(self, near: Samples) -> None:
        self._heard_at_s = self.clock()
        self._is_stalled = False
        # as a switch on the microphone would have it: nobody behind it hears anything
        near = np.zeros_like(near) if self._is_muted else near
        far = self._out.reference.take(self._capture.loopback)
        lead_frames = self._out.lead_frames()
        self._delay = self._loop.at(lead_frames)
        sense = self._sense(near, far)
        first, self.frame = self.frame, Frames(self.frame + PERIOD_FRAMES)
        # out of silence the canceller makes a noise of its own
        shaped = near if self._is_muted else self._shape(sense.clean)
        # the canceller's reference leads its echo, so a word of ours is known before the microphone has it
        self._on_period(first, shaped, far if self._out.reference.level_db(0) >= AUDIBLE_REFERENCE_DB else None)
        seen = self._observe(sense)
        self.reflex, verdict = rx.step(self.reflex, seen, self._rule)
        if not self._is_muted:
            self._test.add(seen, level_db(near), self.reflex, verdict, self._rule)
        self._report_period(cmd.Heard(first, shaped.tobytes()))
        if sense.probability is not None:
            self._report_window(sense, sense.probability)
        self._act(verdict)
        self._report_period(cmd.Vitals(self.now(), sense.near_end, self.player.gain))
        self._start_politely()
        if (sample := self._loop.add(self._out.reference.written, near, lead_frames)) is not None:
            self.reports.append(sample)

    def _sense(self, near: Samples, far: Samples) -> Sense:
        reference, has_reply = self._out.reference, self.player.reply is not None
        # a reply would teach a path that is out of step with it, until the loop has been measured once
        is_in_step = self._loop.has_sampled or not has_reply
        is_silent = reference.level_db(self._delay) < AUDIBLE_REFERENCE_DB
        self._is_idle = is_silent and not (has_reply or self._waiting or self._is_user_heard)
        return self._ear.hear(
            near,
            far,
            reference.period(self._delay) if is_in_step else None,
            is_alone=is_silent or reference.is_ducked(self._delay),
            has_reply=has_reply,
            is_idle=self._is_idle,
            is_talk=self.reflex.is_beside_talk(self._rule),
        )

    def _report_period(self, report: cmd.Report) -> None:
        """What comes all the time waits in no larger number: what happens is not to be pushed out by it."""
        if len(self.reports) < MOST_REPORTS:
            self.reports.append(report)

    def _report_window(self, sense: Sense, probability: Probability) -> None:
        told = (probability, sense.voicing, sense.level, sense.near_end.background_db)
        self._report_period(ev.VoiceWindow(self.now(), self.frame, self._ear.hop_frames, *told))

    def _observe(self, sense: Sense) -> Observation:
        listening = self._allow is Allow.SPEECH and self.player.status is Status.PLAYING
        return Observation(
            end=self.frame,
            probability=sense.probability,
            clean_db=level_db(sense.clean),
            near_end=sense.near_end,
            voicing=sense.voicing,
            reference_db=self._out.reference.level_db(self._delay),
            is_ducked=self._out.reference.is_ducked(self._delay),
            is_playing=listening,
            is_idle=self._is_idle,
            remaining_ms=self.player.remaining_ms,
        )

    def _act(self, verdict: Verdict) -> None:
        match verdict:
            case Verdict.DUCK:
                self._ear.near_end.calibrate()
                self.player.duck()
                self.reports.append(cmd.Ducked(self.frame, True))
            case Verdict.UNDUCK | Verdict.CALL_OFF:
                if verdict is Verdict.UNDUCK:
                    self._ear.near_end.release()
                else:
                    self._ear.near_end.abandon()
                self.player.unduck()
                self.reports.append(cmd.Ducked(self.frame, False))
            case Verdict.HOLD:
                self._ear.near_end.release()
                self._silence()
                self._report_held(self.reflex.onset, self.reflex.peak_probability)
            case Verdict.NONE:
                pass

    def _report_held(self, onset: Frames, probability: Probability) -> None:
        reply = self.player.reply
        assert reply is not None
        at = self.now()
        started = Millis(at - millis(self.frame - onset))
        self.reports.append(ev.Held(at, reply.turn, onset, started, probability, self._held_position))

    def _notice_stall(self) -> None:
        if self._is_stalled or (self.clock() - self._heard_at_s) * 1000 < STALL_MS:
            return
        self._is_stalled = True
        if self.reflex.mode in (Mode.DUCKING, Mode.PROBING):
            self.reflex = rx.rest(self.reflex, self.frame, self._rule)
            self._act(Verdict.CALL_OFF)
        self._start_now()
        self.reports.append(ev.MicrophoneStalled(self.now()))

    def _notice_xruns(self) -> None:
        assert self._card is not None
        overruns, underruns = self._card.microphone.overruns, self._card.speaker.underruns
        if (overruns, underruns) != (self._known_overruns, self._known_underruns):
            self.overruns += overruns - self._known_overruns
            self.underruns += underruns - self._known_underruns
            self._known_overruns, self._known_underruns = overruns, underruns
            # the reference may lead the echo by another time now
            self._loop.measure()

    # ---- obeying

    def _obey(self, command: cmd.Command) -> None:
        match command:
            case cmd.PlayReply():
                self._forget_reply()
                if command.reply.rate_hz != self.player.rate_hz:
                    # made for a device that has come back as another since then
                    self.reports.append(ev.SpeakerLost(self.now()))
                    return
                self._waiting, self._own_rule = command, command.rule
                self._polite_until = Frames(self.frame + frames(POLITE_MS))
                self._start_politely()
            case cmd.StopReply(turn, keep):
                self._stop(turn, keep)
            case cmd.ResumeReply(turn):
                self._resume(turn)
            case cmd.PlaySound(samples, is_wide):
                self.player.add_sound(samples)
                if is_wide:
                    self._loop.measure()
            case cmd.SetLoopDelay(delay):
                self._loop.measured(delay)
            case cmd.HearUser(is_heard):
                self._is_user_heard = is_heard
                if is_heard:
                    self._ear.near_end.give_floor()
            case cmd.SetReflexRule(rule):
                self._usual_rule = rule
            case cmd.SetVolume(factor):
                self.player.volume = factor
            case cmd.SetMuted(is_muted):
                self._is_muted = is_muted

    def _start_politely(self) -> None:
        """A reply does not begin over a voice: it waits a moment, and if the voice goes on, it is held before it sounds."""
        if self._waiting is None or self._polite_until is None:
            return
        is_open = self._waiting.allow_interruptions is Allow.SPEECH and not self._is_stalled
        may_wait = is_open and self.reflex.is_live(self.frame, self._rule)
        if not may_wait:
            self._start_now()
        elif self.frame >= self._polite_until:
            onset = self.reflex.onset_at(self.frame, self._rule)
            self._start_now()
            self._held_position = self.player.position
            self.player.hold()
            self.reflex = rx.hold(self.reflex, onset)
            self._report_held(onset, self.reflex.peak_probability)

    def _start_now(self) -> None:
        if self._waiting is None:
            return
        waiting, self._waiting = self._waiting, None
        self._allow = waiting.allow_interruptions
        self.player.play(waiting.reply)
        self._test = SelfTest()
        self._loop.measure()

    def _stop(self, turn: int, keep: bool) -> None:
        if self._waiting is not None and self._waiting.reply.turn == turn:
            self._waiting = self._own_rule = None
        reply = self.player.reply
        if reply is None or reply.turn != turn:
            return
        if self.player.status is Status.PLAYING:
            self._silence()
        self._release()
        if keep:
            self._kept_turn = turn
        else:
            self._forget_reply()

    def _resume(self, turn: int) -> None:
        reply = self.player.reply
        if reply is None or reply.turn != turn or self.player.status is not Status.HELD:
            return
        self._kept_turn = None
        self.player.resume()
        self.reflex = rx.resume(self.reflex, self.frame, self._rule)

    def _forget_reply(self) -> None:
        self._waiting = self._own_rule = None
        self._kept_turn = None
        self._allow = Allow.NONE
        self._release()
        self.player.forget()

    def _release(self) -> None:
        """There is no reply to be tested any more."""
        if self.reflex.mode in (Mode.DUCKING, Mode.PROBING):
            self._ear.near_end.abandon()
            self.reports.append(cmd.Ducked(self.frame, False))
        self.reflex = rx.release(self.reflex)

    # ---- playing

    def _silence(self) -> None:
        self._held_position = self._out.silence()

    def _fill(self) -> None:
        queued = self._out.settle()
        self._report_end()
        self._out.fill(queued)

    def _report_end(self) -> None:
        reply = self.player.reply
        if reply is None or not self.player.has_ended:
            return
        overlap = self.reflex.voice_over_end(self.frame, self._rule) if self._allow is Allow.SPEECH else None
        self.reports.append(ev.ReplyEnded(self.now(), reply.turn, self.player.position, overlap))
        tested = self._test.result(overlap is not None)
        # by a rule of its own it would test that one, and what nobody heard tests nothing
        if tested is not None and self._own_rule is None and self._has_speaker:
            self.reports.append(tested)
        self._forget_reply()
