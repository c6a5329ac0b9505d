"""The daemon: owns every part, starts them in order, stops them in reverse, and carries messages between them.

Nothing is decided here. The audio thread's reports and the hub's events become events of the conversation; what the
conversation answers is carried out, action by action, in `_carry_out`.
"""

import asyncio
import errno
import logging
import os
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from satellite.audio import commands as cmd
from satellite.audio.card import Samples
from satellite.audio.engine import AudioEngine
from satellite.audio.reply import Reply
from satellite.audio.thread import AudioRunner, AudioThread, OpenCard
from satellite.audio.whoosh import whoosh
from satellite.config import Config, Listen, Wake, WakeEngine, changes
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.conversation import Conversation
from satellite.core.self_test import SelfTested
from satellite.core.state import State
from satellite.core.table import step
from satellite.core.units import Frames, Millis
from satellite.core.voice_gate import VoiceGate
from satellite.detect.canceller import EchoCanceller
from satellite.detect.loop_delay import measure_loop_delay
from satellite.detect.micro_wake import MicroEngine
from satellite.detect.near_end import NearEnd
from satellite.detect.open_wake import OpenEngine
from satellite.detect.silero import SileroVad
from satellite.detect.voicing import voicing
from satellite.detect.wake import WakeHeard, WakeWords
from satellite.detect.wake_engine import MakeEngine, WakeWordSettings
from satellite.discovery import Announcer, announce
from satellite.errors import ConfigError, ProtocolMisuse
from satellite.health_file import HealthKeeper
from satellite.observer import Observer
from satellite.peer.hub import HubPeer
from satellite.peer.uplink import Uplink
from satellite.peer.wake_client import WakeClient
from satellite.rules import conversation_rule, own_reflex_rule, reflex_rule

_log = logging.getLogger(__name__)

# the detectors have to know the room's noise before they can learn from a sound
ROOM_FIRST_S = 0.5

# what held the port is often our own predecessor, which is going
FIRST_LISTEN_RETRY_S = 1.0
# the port is taken, the address is late, or the name service is
_PASSING_ERRORS = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, socket.EAI_AGAIN)
LONGEST_LISTEN_RETRY_S = 30.0

_ENGINES: dict[WakeEngine, MakeEngine] = {WakeEngine.MICRO: MicroEngine, WakeEngine.OPEN: OpenEngine}


class Service:
    """A satellite. `open_card` opens the sound hardware, as often as it has to; observers are told what happens."""

    def __init__(
        self,
        config: Config,
        open_card: OpenCard,
        observer: Observer | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        audio: type[AudioRunner] = AudioThread,
        wake_words: type[WakeWords] = WakeWords,
        state: Path | None = None,
    ) -> None:
        """Time is the machine's and two threads do the slow work, if not said otherwise. `state`: a directory to learn in."""
        self._config = config
        self._observer = observer or Observer()
        self._conversation = Conversation(boot=uuid.uuid4().hex[:8], rule=conversation_rule(config))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_draining = False
        self._deadline: asyncio.TimerHandle | None = None
        self._replies: dict[int, Reply] = {}
        self._speaker_rate_hz = config.audio.rate_hz
        self._is_warm = config.audio.warm_up_dbfs is None
        self._wake_words = wake_words(_words(config), self._on_wake, _ENGINES[config.wake.engine])
        devices = config.audio.microphone, config.audio.speaker
        self._health = HealthKeeper(state, devices, clock, self._wake_words.submit)
        self.engine = AudioEngine(
            EchoCanceller(),
            SileroVad(config.vad.model_path),
            NearEnd(),
            voicing,
            reflex_rule(config.barge_in, self._health.health),
            clock,
            config.audio.queue_ms,
            self._wake_words.feed,
        )
        self._audio = audio(self.engine, open_card, self._notify)
        self._hub = self._hub_peer()
        self._uplink = Uplink(self._hub.audio)
        self._announcer: Announcer | None = None
        self.failed = asyncio.Event()
        """Set when only another start can help."""
        self._wake_client = _wake_client(config.wake, self._wake) if config.wake.uri else None
        self._gate = VoiceGate(self._wake_client.feed) if self._wake_client and config.wake.vad_gate else None

    def _hub_peer(self) -> HubPeer:
        config, words = self._config, self._config.wake.each
        names, pipelines = [word.name for word in words], {word.name: word.pipeline for word in words if word.pipeline}
        return HubPeer(
            config.name,
            config.area,
            names,
            self.handle,
            self._open_reply,
            self.engine.now,
            pipelines,
            self._observer.on_timer,
        )

    # ---- lifecycle

    async def start(self) -> int:
        """Starts everything, as soon as the port is free; the port at which the hub reaches us. ConfigError if that cannot be."""
        self._loop = asyncio.get_running_loop()
        where = self._config.hub
        port = await self._listen()
        _log.info("waiting for a hub on port %d", port)
        self._wake_words.start()
        if self._wake_client is not None:
            self._wake_client.start()
        if self._config.wake.listen is Listen.ALWAYS:
            _log.info("wake.listen: all that the microphone hears while nothing is going on is sent to the hub")
        self._audio.start()
        if where.announce:
            self._announcer = announce(port, where.host)
        return port

    async def _listen(self) -> int:
        """Another program may have the port, and an address may be late: both pass, and nobody has to start us again."""
        where, wait_s, began = self._config.hub, FIRST_LISTEN_RETRY_S, self.engine.now()
        level = logging.WARNING
        while True:
            try:
                port = await self._hub.start(where.host, where.port)
                break
            except OSError as error:
                problem = f"hub.host and hub.port: cannot listen on {where.host}:{where.port}: {_reason(error)}"
                if error.errno not in _PASSING_ERRORS:
                    raise ConfigError(problem) from error
            _log.log(level, "%s; trying again in %.0f s", problem, wait_s)
            level = logging.DEBUG
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_LISTEN_RETRY_S)
        if level == logging.DEBUG:
            _log.info("port %d is free after %.0f s", port, (self.engine.now() - began) / 1000)
        return port

    async def stop(self) -> None:
        """Ends whatever is being said, tells the hub, and gives everything back."""
        self.handle(ev.ShuttingDown(self.engine.now(), self.engine.position))
        self._audio.stop()
        self._wake_words.stop()
        if self._announcer is not None:
            await self._announcer.stop()
        if self._wake_client is not None:
            await self._wake_client.stop()
        await self._hub.stop()
        self._set_deadline(None)
        self._loop = None
        # nobody waits for the loop any more
        self._health.close()

    def reconfigure(self, config: Config) -> None:
        """Takes over what can change while running, and says what cannot. For the event loop."""
        changed = changes(self._config, config)
        self._config = changed.config
        self._conversation = replace(self._conversation, rule=conversation_rule(changed.config))
        self.engine.commands.append(cmd.SetReflexRule(reflex_rule(changed.config.barge_in, self._health.health)))
        _log.info("the configuration was read again; changed: %s", ", ".join(changed.live) or "nothing")
        if changed.restart:
            _log.warning("needs a restart: %s", ", ".join(changed.restart))

    @property
    def state(self) -> State:
        """Of the conversation."""
        return self._conversation.state

    # ---- events in

    def handle(self, event: ev.Event) -> None:
        """Gives the conversation an event and carries out what it answers."""
        try:
            self._conversation, actions = step(self._conversation, event)
        except ProtocolMisuse:
            # a mistake of ours must not end the service, nor change anything
            _log.exception("an event came that cannot be; it is ignored")
            return
        self._observer.on_event(event)
        if isinstance(event, ev.WakeHeard | ev.HubWoke) and any(isinstance(action, act.BeginTurn) for action in actions):
            self._hub.woken_by(event.name)
        for action in actions:
            self._carry_out(action)
            self._observer.on_action(action)

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
                self._observer.on_heard(first, pcm)
                self._send_to_wake_service(first, pcm)
            case ev.Event():
                if self._gate is not None and isinstance(report, ev.VoiceWindow):
                    self._gate.voice(report.end, report.probability)
                self.handle(report)
            case cmd.Vitals():
                self._observer.on_vitals(report)
            case cmd.Ducked():
                self._observer.on_ducked(report)
            case SelfTested():
                self._on_self_tested(report)
            case cmd.EchoSample(reference, microphone):
                self._wake_words.submit(partial(self._measure_loop_delay, reference, microphone))
            case cmd.DeviceTrouble(message, is_news):
                _log.log(logging.WARNING if is_news else logging.DEBUG, "%s", message)
            case cmd.DeviceReady():
                self._on_device_ready(report)
            case cmd.Failed(error):
                _log.critical("the audio thread has failed", exc_info=error)
                self.failed.set()

    def _on_self_tested(self, test: SelfTested) -> None:
        health = self._health.learn(test)
        rule = reflex_rule(self._config.barge_in, health)
        self.engine.commands.append(cmd.SetReflexRule(rule))
        _log.debug("self-test: %s; %s; near_end_db %.1f, margin %.1f", test, health, rule.near_end_db, rule.duck_margin_db)
        self._observer.on_health(health)

    def _on_device_ready(self, report: cmd.DeviceReady) -> None:
        self._speaker_rate_hz = report.speaker_rate_hz
        if report.after_s:
            _log.info("the sound devices are back after %.1f s", report.after_s)
        if not self._is_warm and self._loop is not None:
            self._is_warm = True
            self._loop.call_later(ROOM_FIRST_S, self._warm_up)

    def _warm_up(self) -> None:
        level_dbfs = self._config.audio.warm_up_dbfs
        if level_dbfs is not None:
            self.engine.commands.append(cmd.PlaySound(whoosh(self._speaker_rate_hz, level_dbfs)))

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

    def _send_to_wake_service(self, first: Frames, pcm: bytes) -> None:
        # without a hub a wake word is of no use, and whoever muted us is not heard elsewhere either, nor kept for later
        if self._wake_client is None:
            return
        if self.state in (State.OFFLINE, State.MUTED):
            self._wake_client.forget()
        elif self._gate is not None:
            self._gate.heard(first, pcm)
        else:
            self._wake_client.feed(first, pcm)

    def _measure_loop_delay(self, reference: Samples, microphone: Samples) -> None:
        """In the worker thread."""
        delay = measure_loop_delay(reference, microphone)
        if delay is not None:
            self.engine.commands.append(cmd.SetLoopDelay(delay.frames))

    # ---- actions out

    def _carry_out(self, action: act.Action) -> None:
        hub, commands = self._hub, self.engine.commands
        match action:
            case act.Play(turn, allow, own):
                commands.append(cmd.PlayReply(self._replies[turn], allow, own_reflex_rule(own, self._health.health)))
            case act.StopReply(turn, keep):
                commands.append(cmd.StopReply(turn, keep))
                if not keep:
                    self._replies.pop(turn, None)
            case act.ResumeReply(turn):
                commands.append(cmd.ResumeReply(turn))
            case act.ContinueReply():
                hub.continue_reply()
            case act.FinishReply(turn):
                self._replies[turn].finish()
            case act.BeginTurn(turn, owed):
                self._begin_turn(turn, owed)
            case act.ExpectAnswer():
                hub.expect_answer()
            case act.AcceptAnswer():
                hub.accept_answer()
            case act.SendDetection(name):
                hub.detection(name)
            case act.SendRun():
                hub.run()
            case act.SendWakeRun():
                hub.wake_run()
            case act.SendAbort():
                hub.abort()
            case act.SendInterrupt(interrupt):
                hub.interrupt(interrupt)
            case act.SendPlayed():
                hub.played()
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

    def _become(self, change: act.Become) -> None:
        _log.info("= %s, was %s: %s", change.new, change.old, change.why)
        self._observer.on_state_changed(change.old, change.new, change.why)

    def _keep_from(self, first: Frames | None) -> None:
        self._uplink.keep_from(first)
        self.engine.commands.append(cmd.HearUser(first is not None))

    def _stop_mic(self, tell: bool) -> None:
        if tell and self._uplink.is_streaming:
            self._hub.audio_stop()
        self._uplink.stop()

    def _begin_turn(self, turn: int, owed: bool) -> None:
        self._hub.begin_turn(turn, owed)
        # the last turn's reply may yet be resumed; older ones are over
        for old in [t for t in self._replies if t < turn - 1]:
            del self._replies[old]

    def _set_deadline(self, kind: ev.Deadline | None, after: int = 0) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if kind is not None and self._loop is not None:
            self._deadline = self._loop.call_later(after / 1000, self._on_deadline, kind)

    def _on_deadline(self, kind: ev.Deadline) -> None:
        self.handle(ev.DeadlineReached(self.engine.now(), kind))

    def _open_reply(self, turn: int) -> Reply:
        """The hub begins to send a turn's reply."""
        self._replies[turn] = Reply(turn, self._speaker_rate_hz)
        return self._replies[turn]


def _wake_client(wake: Wake, on_wake: Callable[[str, Frames], None]) -> WakeClient:
    assert wake.uri is not None
    return WakeClient(wake.uri, {word.name: Millis(word.refractory_ms) for word in wake.each}, on_wake)


def _words(config: Config) -> list[WakeWordSettings]:
    """What is listened for here: stop words are, also where others find the wake words."""
    wakes = () if config.wake.is_remote else config.wake.each
    return [
        WakeWordSettings(word.name, word.threshold, Millis(word.refractory_ms), word.model_path, is_stop)
        for words, is_stop in ((wakes, False), (config.barge_in.each_stop_word, True))
        for word in words
    ]


def _reason(error: OSError) -> str:
    # asyncio says which address in a sentence of its own
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)
