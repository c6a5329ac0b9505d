"""The daemon: owns every part, starts them in order, stops them in reverse, and carries messages between them.

Nothing is decided here. The audio thread's reports and the hub's events become events of the conversation; what the
conversation answers is carried out, action by action, in `_carry_out`.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from satellite.audio import commands as cmd
from satellite.audio.parts import Devices, OpenCard
from satellite.audio.thread import AudioRunner, AudioThread
from satellite.config import Changes, Config, Listen, changes
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.conversation import Conversation
from satellite.core.cues import Cue, cue
from satellite.core.hardware import Half
from satellite.core.health import Health
from satellite.core.pulse import Pulse
from satellite.core.reflex import ReflexRule
from satellite.core.say import Allow
from satellite.core.says import MOST_SAYS
from satellite.core.self_test import SelfTested
from satellite.core.state import State, Why
from satellite.core.table import step
from satellite.core.units import Frames
from satellite.core.voice_gate import VOICE_PROBABILITY
from satellite.detect.wake import WakeHeard, WakeWords
from satellite.ears import ENGINES, engine_for
from satellite.errors import ProtocolMisuse, SatelliteError
from satellite.hardware import Hardware
from satellite.links import browser, end_of, providers, tell_link, trust_for
from satellite.observer import Key, Observer, Setting
from satellite.peer.link import Link
from satellite.peer.uplink import Uplink
from satellite.playback import ROOM_FIRST_S, Playback
from satellite.remote_wake import RemoteWake
from satellite.ringer import Ringer
from satellite.rules import conversation_rule, reflex_rule, wake_word_settings
from satellite.sayer import Manner, Sayer

_log = logging.getLogger(__name__)


class Service:
    """A satellite. `devices` open the sound hardware, as often as they have to; observers are told what happens."""

    def __init__(
        self,
        config: Config,
        devices: OpenCard | Devices,
        observer: Observer | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        audio: type[AudioRunner] = AudioThread,
        wake_words: type[WakeWords] = WakeWords,
        state: Path | None = None,
        greets: bool = True,
    ) -> None:
        """Time is the machine's and threads work, if not said otherwise; `state` is a directory to learn in, `greets` aloud."""
        self.config = config
        self.observer = observer or Observer()
        self._conversation = Conversation(boot=uuid.uuid4().hex[:8], rule=conversation_rule(config))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_draining = False
        self._deadline: asyncio.TimerHandle | None = None
        self.wake_words = wake_words(wake_word_settings(config), self._on_wake, ENGINES[config.wake.engine])
        self.hardware = Hardware(config, state, clock, self.wake_words.submit, self._command, self.observer)
        self.engine = engine_for(config, self.wake_words, self._reflex_rule(self.hardware.health), clock)
        self._audio = audio(self.engine, devices, self._notify)
        self._playback = Playback(config, self.engine, lambda: self.hardware.health, greets)
        self._ringer = Ringer(self.engine.now, self._begin_ring, self._end_ring, self.observer.on_timer)
        asked = providers(config)
        self._browser = browser(config, asked)
        replies = self._playback.open_reply, self._playback.played
        self.end = end_of(config, asked, self._browser, self.handle, *replies, self.engine.now, self._ringer.on_timer, state)
        """The other end of the conversation."""
        self._link: Link = self.end.link
        self._uplink = Uplink(self._link.audio)
        hears = self._playback.new_reply, self._playback.played, self.handle, self.engine.now
        self._sayer = Sayer(asked.tts, self._look_for_servers, *hears, asked.tts_rule)
        self._says = 0
        self.set_volume(config.audio.volume)
        self.is_muted = False
        self.failed = asyncio.Event()
        """Set when only another start can help."""
        self._remote_wake = RemoteWake(config.wake, self._wake, trust_for(config.servers, config.wake.uri))

    def _reflex_rule(self, health: Health) -> ReflexRule:
        return reflex_rule(self.config.barge_in, health)

    def _command(self, command: cmd.Command) -> None:
        self.engine.commands.append(command)

    def _look_for_servers(self) -> None:
        if self._browser is not None:
            self._browser.start()

    # ---- lifecycle

    async def start(self) -> int:
        """Starts everything; the port at which a hub reaches us, 0 without one. ConfigError if that cannot be."""
        self._loop = asyncio.get_running_loop()
        port = await self.end.start()
        self.wake_words.start()
        self._remote_wake.start()
        if self.config.wake.listen is Listen.ALWAYS:
            _log.info("wake.listen: all that the microphone hears while nothing is going on is sent to the hub")
        self._audio.start()
        return port

    async def stop(self) -> None:
        """Ends whatever is being said, tells the hub, and gives everything back."""
        self.handle(ev.ShuttingDown(self.engine.now(), self.engine.position))
        self._audio.stop()
        self.wake_words.stop()
        self._ringer.stop()
        farewells = [self._remote_wake.stop(), self._sayer.stop(), self.end.stop()]
        await asyncio.gather(*farewells, *([] if self._browser is None else [self._browser.stop()]))
        self._set_deadline(None)
        self._loop = None
        # nobody waits for the loop any more
        self.hardware.close()

    def reconfigure(self, config: Config) -> None:
        """Takes over what can change while running, and says what cannot. For the event loop."""
        changed = self.apply(config)
        _log.info("the configuration was read again; changed: %s", ", ".join(changed.live) or "nothing")
        if changed.restart:
            _log.warning("needs a restart: %s", ", ".join(changed.restart))

    def apply(self, config: Config) -> Changes:
        """Takes over what can change while running; what that is, and what it is not."""
        changed = changes(self.config, config)
        self.config = changed.config
        self._conversation = replace(self._conversation, rule=conversation_rule(changed.config))
        self.engine.commands.append(cmd.SetReflexRule(self._reflex_rule(self.hardware.health)))
        if "audio.volume" in changed.live:
            self.set_volume(changed.config.audio.volume)
        if "wake.threshold" in changed.live:
            self.wake_words.set_thresholds([word.threshold for word in wake_word_settings(changed.config)])
        return changed

    @property
    def state(self) -> State:
        """Of the conversation."""
        return self._conversation.state

    @property
    def pulse(self) -> Pulse:
        """Of the audio thread."""
        return self._audio.pulse

    @property
    def timers(self) -> list[str]:
        """The names of those that run, or their ids."""
        return self._ringer.names

    @property
    def reply_text(self) -> str:
        """Of what is being said, as far as it is known."""
        reply = self._conversation.reply
        return "" if reply is None else reply.text

    # ---- for programs

    @property
    def next_say_id(self) -> int:
        """Of what will be asked for next."""
        return self._says + 1

    def say(self, text: str, manner: Manner, allow: Allow | None, is_announcement: bool, *, listens: bool = False) -> int:
        """Has something said in its turn; its id. `listens`: for the user to answer. SatelliteError if too much waits already."""
        if len(self._conversation.says) >= MOST_SAYS:
            raise SatelliteError(f"{MOST_SAYS} utterances wait already")
        self._says += 1
        self._sayer.expect(self._says, manner)
        say = self._conversation.rule.say(self._says, text, allow, is_announcement)
        self.handle(ev.SayAsked(self.engine.now(), replace(say, listens=listens)))
        return self._says

    def withdraw(self, id: int) -> None:
        """What has not begun of it will not be said."""
        self.handle(ev.SayWithdrawn(self.engine.now(), id))

    def cancel_reply(self, turn: int) -> None:
        """What is spoken in this turn stops now."""
        self.handle(ev.ReplyCancelled(self.engine.now(), turn, self.engine.position))

    def listen(self) -> None:
        """Opens a turn as a wake word does."""
        self.handle(ev.ListenAsked(self.engine.now(), self.engine.frame, self.engine.position))

    def set_volume(self, volume: int) -> None:
        """Of all that is played, 0 to 100."""
        self.volume = volume
        self._playback.set_volume(volume)

    def mute(self, is_muted: bool) -> None:
        """Switches the microphone off, as a switch on its case would, or on; the user hears which."""
        self.is_muted = is_muted
        self._switch_microphone()
        if is_muted and self.state is State.LISTENING:
            self.hush()
        self._playback.cue(Cue.MUTE if is_muted else Cue.UNMUTE)
        self.observer.on_setting(Setting(Key.MUTED, is_muted))

    def hush(self) -> None:
        """Ends whatever is going on, and what was to be said after it."""
        self.handle(ev.StopAsked(self.engine.now(), self.engine.position))

    # ---- events in

    def handle(self, event: ev.Event) -> None:
        """Gives the conversation an event and carries out what it answers."""
        try:
            self._conversation, actions = step(self._conversation, event)
        except ProtocolMisuse:
            # a mistake of ours must not end the service, nor change anything
            _log.exception("an event came that cannot be; it is ignored")
            return
        self.observer.on_event(event)
        if isinstance(event, ev.WakeHeard | ev.HubWoke) and any(isinstance(action, act.BeginTurn) for action in actions):
            self._link.woken_by(event.name)
        for action in actions:
            self._carry_out(action)
            if isinstance(action, act.Become) and (sound := cue(action, event)) is not None:
                self._playback.cue(sound)
            self.observer.on_action(action)
        if isinstance(event, ev.HubPaused | ev.HubOpened | ev.HubClosed):
            self._switch_microphone()

    def _switch_microphone(self) -> None:
        self.engine.commands.append(cmd.SetMuted(self.is_muted or self._conversation.is_muted))

    def _begin_ring(self) -> int | None:
        """A timer has run out; the id of its ring."""
        self._says += 1
        if (total := self._playback.ring(self._says)) is None:
            return None
        self.handle(ev.SayAsked(self.engine.now(), self._conversation.rule.ring(self._says, total)))
        if any(say.id == self._says for say in self._conversation.says):
            # it waits for the end of what is going on, but is not to be missed until then
            self._playback.cue(Cue.TIMER)
        return self._says

    def _end_ring(self, id: int) -> None:
        reply = self._conversation.reply
        if reply is not None and reply.id == id:
            self.cancel_reply(reply.turn)
        else:
            self.withdraw(id)

    def _notify(self) -> None:
        """In the audio thread: there are reports."""
        loop = self._loop
        if loop is not None and not self._is_draining:
            self._is_draining = True
            loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        # before the reports are taken: one that comes meanwhile calls again
        self._is_draining = False
        reports = self.engine.reports
        while reports:
            self._take(reports.popleft())

    def _take(self, report: cmd.Report) -> None:
        match report:
            case cmd.Heard(first, pcm):
                # what is said while muted is not kept for later either
                if self.state is not State.MUTED:
                    self._uplink.heard(first, pcm)
                self.observer.on_heard(first, pcm)
                self._remote_wake.heard(first, pcm, self.state)
            case ev.Event():
                if isinstance(report, ev.VoiceWindow):
                    self._on_voice(report)
                self.handle(report)
            case cmd.Vitals():
                self.observer.on_vitals(report)
            case cmd.Ducked():
                if report.is_ducked:
                    self._link.onset()
                self.observer.on_ducked(report)
            case SelfTested() | cmd.EchoSample() | cmd.DeviceTrouble():
                self.hardware.take(report, self._reflex_rule)
            case cmd.DeviceIs():
                self.hardware.take(report, self._reflex_rule)
                self._on_device(report.half)
            case cmd.Scheduled():
                _log.info("%s", report)
            case cmd.Failed(error):
                _log.critical("the audio thread has failed", exc_info=error)
                self.failed.set()

    def _on_voice(self, window: ev.VoiceWindow) -> None:
        self._remote_wake.voice(window)
        if self.state is State.IDLE and window.probability >= VOICE_PROBABILITY:
            self._link.onset()

    def _on_device(self, half: Half) -> None:
        if half is Half.SPEAKER:
            self._ringer.on_speaker(self.hardware.has(half))
        if self.hardware.is_whole and self._loop is not None:
            self._loop.call_later(ROOM_FIRST_S, self._playback.start_up)

    def _on_wake(self, heard: WakeHeard) -> None:
        """In the worker thread."""
        if (loop := self._loop) is not None:
            loop.call_soon_threadsafe(self._stop_word if heard.is_stop else self._wake, heard.name, heard.end_frame)

    def _stop_word(self, name: str, end: Frames) -> None:
        _log.info("heard the stop word %r", name)
        self.handle(ev.StopWordHeard(self.engine.now(), name, end, self.engine.position))

    def _wake(self, name: str, end: Frames) -> None:
        _log.info("heard %r", name)
        self.handle(ev.WakeHeard(self.engine.now(), name, end, self.engine.position))

    # ---- actions out

    def _carry_out(self, action: act.Action) -> None:
        match action:
            case act.Play() | act.StopReply() | act.ResumeReply() | act.FinishReply():
                self._playback.command(action)
            case act.BeginTurn(turn, owed):
                self._begin_turn(turn, owed)
            case act.MakeSpeech(say):
                self._sayer.make(say)
            case act.DropSpeech(id) | act.SayOver(_, int(id)):
                self._sayer.drop(id)
                self._playback.drop(id)
                self._ringer.on_action(action)
            case act.TakeSpeech(id, turn):
                if not self._playback.take(id, turn):
                    self._playback.give(turn, self._sayer.take(id, turn))
            case act.KeepAnnouncement(id):
                self._playback.keep(id, self._conversation.turn + 1)
                tell_link(self._link, action)
            case act.SendInterrupt(interrupt):
                self._sayer.interrupted(interrupt)
                tell_link(self._link, action)
            case act.SoundError():
                self._playback.cue(Cue.ERROR)
            case act.KeepFrom(first):
                self._keep_from(first)
            case act.StreamMic(first):
                self._uplink.stream(first, self.engine.now())
            case act.StopMic(tell):
                self._stop_mic(tell)
            case act.SetDeadline(kind, after):
                self._set_deadline(kind, after)
            case act.ClearDeadline():
                self._set_deadline(None)
            case act.Become():
                self._become(action)
            case _:
                tell_link(self._link, action)

    def _become(self, change: act.Become) -> None:
        # that a hub comes and goes is told by whoever waits for it, and not all night
        level = logging.DEBUG if change.why in (Why.CONNECTED, Why.DISCONNECTED) else logging.INFO
        _log.log(level, "= %s, was %s: %s", change.new, change.old, change.why)
        self.observer.on_state_changed(change.old, change.new, change.why)

    def _keep_from(self, first: Frames | None) -> None:
        self._uplink.keep_from(first)
        self.engine.commands.append(cmd.HearUser(first is not None))

    def _stop_mic(self, tell: bool) -> None:
        if tell and self._uplink.is_streaming:
            self._link.audio_stop()
        self._uplink.stop()

    def _begin_turn(self, turn: int, owed: bool) -> None:
        self._link.begin_turn(turn, owed)
        self._playback.begin_turn(turn)

    def _set_deadline(self, kind: ev.Deadline | None, after: int = 0) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if kind is not None and self._loop is not None:
            self._deadline = self._loop.call_later(after / 1000, self._on_deadline, kind)

    def _on_deadline(self, kind: ev.Deadline) -> None:
        self.handle(ev.DeadlineReached(self.engine.now(), kind))
