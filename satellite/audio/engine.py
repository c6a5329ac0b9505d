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
from satellite.audio.levels import level_db
from satellite.audio.player import Player, Status
from satellite.audio.reference import Reference
from satellite.core import events as ev
from satellite.core import reflex as rx
from satellite.core.echo import AUDIBLE_REFERENCE_DB
from satellite.core.reflex import Mode, Observation, Reflex, ReflexRule, Verdict
from satellite.core.say import Allow
from satellite.core.self_test import SelfTest
from satellite.core.units import PERIOD_FRAMES, PERIOD_MS, RATE_HZ, Frames, Millis, Probability, frames, millis

# a dead microphone must not silence the speaker
STALL_MS = 200
# a reply's first sample waits so long for a voice to finish
POLITE_MS = 300
# two seconds of reports that the event loop has not fetched
MOST_REPORTS = 500
# far more than come between two steps; if the thread stands still, the oldest are the ones that matter least
MOST_COMMANDS = 500

# the lead is averaged over so many periods: the thread is a little late now and then
_LEAD_PERIODS = 8


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
        self.reports: deque[cmd.Report] = deque(maxlen=MOST_REPORTS)
        self.commands: deque[cmd.Command] = deque(maxlen=MOST_COMMANDS)
        self.frame = Frames(0)
        self.reflex, self.punctuality = Reflex(), Punctuality()
        self.overruns = self.underruns = 0
        self._ear = Ear(canceller, detector, near_end, voicing)
        self._is_user_heard, self._is_muted, self._is_idle = False, False, True
        self._usual_rule, self._test = rule, SelfTest()
        self._own_rule: ReflexRule | None = None
        self._clock, self._epoch_s, self._queue_ms, self._on_period = clock, clock(), queue_ms, on_period
        self._shape, self._gain_db = shape, gain_db
        self._card: Card | None = None
        self.player = Player(RATE_HZ)
        self._polite_until: Frames | None = None
        self._waiting: cmd.PlayReply | None = None
        self._allow = Allow.NONE
        self._kept_turn: int | None = None
        self._heard_at_s, self._is_stalled, self._loop, self._delay = clock(), False, LoopDelay(), frames(queue_ms)

    # ---- the card

    def attach(self, card: Card) -> None:
        """Begins to use a card that has just been opened. Lost time shows as a gap in the frame count."""
        self._card = card
        self.player = Player(card.speaker.rate_hz, self.player.volume)
        self._capture = Capture(card.microphone, self._gain_db, self.punctuality)
        self._reference = Reference(card.speaker.rate_hz)
        self._period = card.speaker.rate_hz * PERIOD_MS // 1000
        self._target = card.speaker.rate_hz * self._queue_ms // 1000
        self._rest: Samples = np.zeros(0, np.int16)
        self._lead: float | None = None
        self._settled = 0
        away_s = max(self._clock() - self._heard_at_s, 0.0)
        self.frame = Frames(self.frame + int(away_s * RATE_HZ) // PERIOD_FRAMES * PERIOD_FRAMES)
        self._heard_at_s = self._clock()
        self._forget_reply()

    def detach(self) -> None:
        """The card is gone; what played on it has ended."""
        self._card = None
        self._forget_reply()

    def obey_without_card(self) -> None:
        """What needs no card is done, and the rest would come too late when there is one again."""
        has_lost_reply = False
        while self.commands:
            match command := self.commands.popleft():
                case cmd.SetReflexRule() | cmd.SetLoopDelay() | cmd.HearUser() | cmd.SetVolume() | cmd.SetMuted():
                    self._obey(command)
                case cmd.PlayReply():
                    has_lost_reply = True
        if has_lost_reply:
            self.reports.append(ev.AudioLost(self.now()))

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
        self._begin_anew()
        self._fill()

    @property
    def position(self) -> ev.Position | None:
        """How far the reply has come, as of the last period; None without one. May be asked from any thread."""
        player = self.player
        return None if player.reply is None else player.position

    def now(self) -> Millis:
        """On the stream clock."""
        return Millis(int((self._clock() - self._epoch_s) * 1000))

    # ---- hearing

    @property
    def _rule(self) -> ReflexRule:
        """That of the reply that plays or waits to, if it has one."""
        return self._own_rule or self._usual_rule

    def _hear(self, near: Samples) -> None:
        self._heard_at_s = self._clock()
        self._is_stalled = False
        # as a switch on the microphone would have it: nobody behind it hears anything
        near = np.zeros_like(near) if self._is_muted else near
        far = self._reference.take(self._capture.loopback)
        lead_frames = self._lead_frames()
        self._delay = self._loop.at(lead_frames)
        sense = self._sense(near, far)
        first, self.frame = self.frame, Frames(self.frame + PERIOD_FRAMES)
        # out of silence the canceller makes a noise of its own
        shaped = near if self._is_muted else self._shape(sense.clean)
        # the canceller's reference leads its echo, so a word of ours is known before the microphone has it
        self._on_period(first, shaped, far if self._reference.level_db(0) >= AUDIBLE_REFERENCE_DB else None)
        seen = self._observe(sense)
        self.reflex, verdict = rx.step(self.reflex, seen, self._rule)
        if not self._is_muted:
            self._test.add(seen, level_db(near), self.reflex, verdict, self._rule)
        self.reports.append(cmd.Heard(first, shaped.tobytes()))
        if sense.probability is not None:
            self._report_window(sense, sense.probability)
        self._act(verdict)
        self.reports.append(cmd.Vitals(self.now(), sense.near_end, self.player.gain))
        self._start_politely()
        if (sample := self._loop.add(self._reference.written, near, lead_frames)) is not None:
            self.reports.append(sample)

    def _lead_frames(self) -> int:
        """By how much what is written now is ahead of what is taken now, at 16 kHz."""
        if self._lead is None:
            return self._target * RATE_HZ // self.player.rate_hz - self._reference.waiting_frames
        settled, self._settled = self._reference.settled_frames - self._settled, self._reference.settled_frames
        self._lead += settled * self.player.rate_hz / RATE_HZ
        return round(self._lead * RATE_HZ / self.player.rate_hz)

    def _sense(self, near: Samples, far: Samples) -> Sense:
        reference, has_reply = self._reference, self.player.reply is not None
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

    def _report_window(self, sense: Sense, probability: Probability) -> None:
        told = (probability, sense.voicing, sense.level, sense.near_end.background_db)
        self.reports.append(ev.VoiceWindow(self.now(), self.frame, self._ear.hop_frames, *told))

    def _observe(self, sense: Sense) -> Observation:
        listening = self._allow is Allow.SPEECH and self.player.status is Status.PLAYING
        return Observation(
            end=self.frame,
            probability=sense.probability,
            clean_db=level_db(sense.clean),
            near_end=sense.near_end,
            voicing=sense.voicing,
            reference_db=self._reference.level_db(self._delay),
            is_ducked=self._reference.is_ducked(self._delay),
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
        if self._is_stalled or (self._clock() - self._heard_at_s) * 1000 < STALL_MS:
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
        if (overruns, underruns) != (self.overruns, self.underruns):
            self.overruns, self.underruns = overruns, underruns
            # the reference may lead the echo by another time now
            self._loop.measure()

    # ---- obeying

    def _obey(self, command: cmd.Command) -> None:
        match command:
            case cmd.PlayReply():
                self._forget_reply()
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
        may_wait = self._waiting.allow_interruptions is Allow.SPEECH and self.reflex.is_live(self.frame, self._rule)
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
        """Stops the reply within this period: what is queued is dropped, and 8 ms of it fade out in its place."""
        assert self._card is not None
        speaker = self._card.speaker
        queued = speaker.queued() + len(self._rest)
        self.player.settle(queued)
        self._held_position = self.player.position
        fade = self.player.hold()
        speaker.drop()
        self._reference.strike(queued)
        # The writer is this thread, and from here on it has only the fade and silence to write: as many frames as were
        # dropped, so that what is written next has the lead over its echo that everything before had.
        tail = np.zeros(max(queued, len(fade)), np.int16)
        tail[: len(fade)] = fade
        self._rest = np.zeros(0, np.int16)
        self._write(tail)

    def _fill(self) -> None:
        """Keeps the speaker's queue at its target, with silence where there is nothing to say, so that its lead never jumps."""
        assert self._card is not None
        queued = self._card.speaker.queued()
        self.player.settle(queued + len(self._rest))
        self._report_end()
        if len(self._rest):
            rest, self._rest = self._rest, np.zeros(0, np.int16)
            self._write(rest)
            queued += len(rest)
        if queued == 0:
            # it ran empty, or has just been opened: `_begin_anew` knows better how
            return
        while queued + self._period <= self._target:
            samples = self.player.next_period(self._period)
            self._write(samples)
            self._reference.wrote(samples, self.player.gain_of_last_period)
            queued += self._period
        lead = queued - self._waiting_frames
        self._lead = lead if self._lead is None else self._lead + (lead - self._lead) / _LEAD_PERIODS

    def _begin_anew(self) -> None:
        """Fills a speaker that stands still with silence, so that what follows has the lead over its echo that all had."""
        assert self._card is not None
        if self._card.speaker.queued() + len(self._rest) > 0:
            return
        most = self._target - self._period
        wanted = most if self._lead is None else round(self._lead) + self._waiting_frames
        self._write(np.zeros(min(max(wanted, self._period), most), np.int16))

    @property
    def _waiting_frames(self) -> int:
        return self._reference.waiting_frames * self.player.rate_hz // RATE_HZ

    def _write(self, samples: Samples) -> None:
        assert self._card is not None
        taken = self._card.speaker.write(samples) if not len(self._rest) else 0
        if taken < len(samples):
            self._rest = np.concatenate((self._rest, samples[taken:]))

    def _report_end(self) -> None:
        reply = self.player.reply
        if reply is None or not self.player.has_ended:
            return
        overlap = self.reflex.voice_over_end(self.frame, self._rule) if self._allow is Allow.SPEECH else None
        self.reports.append(ev.ReplyEnded(self.now(), reply.turn, self.player.position, overlap))
        tested = self._test.result(overlap is not None)
        # by a rule of its own it would test that one
        if tested is not None and self._own_rule is None:
            self.reports.append(tested)
        self._forget_reply()
