"""The operator's commands that are run when something happens (`hooks` in the configuration).

What they are told comes on their standard input, as from wyoming-satellite, and never in their command line: it may be
anybody's words. A command that hangs, fails or floods its error output costs nobody else anything.
"""

import asyncio
import json
import logging
import shlex
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from satellite import program
from satellite.config import Hooks
from satellite.core.interrupt import Phase
from satellite.errors import ConfigError
from satellite.notices import Notice

_log = logging.getLogger(__name__)


def _nothing(notice: Notice) -> str:
    return ""


def _json(notice: Notice) -> str:
    return json.dumps(dict(notice.data), ensure_ascii=False)


def _field(name: str) -> Callable[[Notice], str]:
    return lambda notice: str(notice.data.get(name) or "")


@dataclass(frozen=True, slots=True)
class Hook:
    """A key of the configuration, what runs it, and what the command is told."""

    key: str
    kind: str
    stdin: Callable[[Notice], str] = _nothing
    phase: Phase | None = None

    def is_of(self, notice: Notice) -> bool:
        """Whether this is what runs it."""
        return notice.kind == self.kind and self.phase in (None, notice.data.get("phase"))


STARTUP = Notice("startup")

TABLE: tuple[Hook, ...] = (
    Hook("startup", STARTUP.kind),
    Hook("detect", "detect"),
    Hook("detection", "detection", _field("name")),
    Hook("transcript", "transcript", _field("text")),
    Hook("stt_start", "voice-started"),
    Hook("stt_stop", "voice-stopped"),
    Hook("synthesize", "synthesize", _field("text")),
    Hook("tts_start", "audio-start"),
    Hook("tts_stop", "audio-stop"),
    Hook("tts_played", "played"),
    Hook("streaming_start", "streaming-started"),
    Hook("streaming_stop", "streaming-stopped"),
    Hook("error", "error", _field("text")),
    Hook("connected", "satellite-connected"),
    Hook("disconnected", "satellite-disconnected"),
    Hook("timer_started", "timer-started", _json),
    Hook("timer_updated", "timer-updated", _json),
    Hook("timer_cancelled", "timer-cancelled", _field("id")),
    Hook("timer_finished", "timer-finished", _field("id")),
    Hook("interrupted", "interrupt", _json, Phase.CONFIRMED),
    Hook("resumed", "interrupt", _json, Phase.CANCELLED),
    Hook("muted", "muted"),
    Hook("unmuted", "unmuted"),
    Hook("audio_lost", "audio-lost", _json),
    Hook("audio_back", "audio-back"),
    Hook("microphone_silent", "microphone-silent"),
    Hook("microphone_heard", "microphone-heard"),
    Hook("state_changed", "state-changed", _json),
)


@dataclass(frozen=True, slots=True)
class HookRule:
    """How long commands may take to end, and how many may wait."""

    # a script that catches SIGTERM puts its light out and is gone
    grace_s: float = 1.0
    # at the end of the service, for `disconnected` to be carried out; with the grace after it less than 2 s
    goodbye_s: float = 0.5
    # a whole turn is a dozen events
    queue: int = 50


@dataclass(frozen=True, slots=True)
class _Job:
    key: str
    stdin: bytes


class HookRunner:
    """Runs what `hooks` says for each notice, from `start` to `stop`. ConfigError for a command that is none."""

    def __init__(self, hooks: Hooks, rule: HookRule | None = None) -> None:
        self._rule = rule or HookRule()
        self._timeout_s, self._at_once = hooks.timeout_s, hooks.at_once
        self._commands = {hook.key: argv for hook in TABLE if (argv := _argv(hook.key, getattr(hooks, hook.key)))}
        self._waiting: deque[_Job] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._failing: set[str] = set()
        self._is_open = False
        self.dropped = 0
        """Commands that were not run because too many waited."""

    async def start(self) -> None:
        """Runs `startup`."""
        self._is_open = True
        self.notice(STARTUP)

    async def stop(self) -> None:
        """Takes no more. What waits and runs has a moment to get done, and is then ended."""
        self._is_open = False
        with suppress(TimeoutError):
            async with asyncio.timeout(self._rule.goodbye_s):
                while self._running:
                    await asyncio.wait(self._running)
        self._waiting.clear()
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def notice(self, notice: Notice) -> None:
        """Has the commands for this run, and returns at once. For the event loop."""
        if not self._is_open:
            return
        for hook in TABLE:
            if hook.key in self._commands and hook.is_of(notice):
                # half a character, which a peer can smuggle in, is no reason to fail
                self._queue(_Job(hook.key, hook.stdin(notice).encode(errors="replace")))

    # ---- one after the other

    def _queue(self, job: _Job) -> None:
        if len(self._waiting) >= self._rule.queue:
            lost = self._waiting.popleft()
            self.dropped += 1
            level = logging.WARNING if self.dropped == 1 else logging.DEBUG
            _log.log(level, "hooks: %d commands wait; hooks.%s is not run, as the oldest", self._rule.queue, lost.key)
        self._waiting.append(job)
        self._start_next()

    def _start_next(self) -> None:
        while self._waiting and len(self._running) < self._at_once:
            # tasks begin in the order in which they are made, and their programs with them
            task = asyncio.create_task(self._run(self._waiting.popleft()))
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._start_next()

    async def _run(self, job: _Job) -> None:
        try:
            outcome = await program.run(self._commands[job.key], job.stdin, self._timeout_s, self._rule.grace_s)
        # a null byte in it is a ValueError
        except (OSError, ValueError) as error:
            self._failed(job.key, f"it cannot be started: {error}")
        else:
            self._judge(job.key, outcome)

    # ---- what the operator is told

    def _judge(self, key: str, outcome: program.Outcome) -> None:
        if outcome.is_timed_out:
            self._failed(key, f"it had not ended after {self._timeout_s:g} s and was ended")
        elif outcome.code:
            self._failed(key, f"it ended with {outcome.code}: {outcome.last_line or 'without a word'}")
        elif key in self._failing:
            self._failing.discard(key)
            _log.info("hooks.%s works again", key)

    def _failed(self, key: str, why: str) -> None:
        # once: it may be run a hundred times a day
        level = logging.DEBUG if key in self._failing else logging.WARNING
        self._failing.add(key)
        _log.log(level, "hooks.%s: %s", key, why)


def _argv(key: str, command: str | None) -> tuple[str, ...]:
    if command is None:
        return ()
    try:
        argv = tuple(shlex.split(command))
    except ValueError as error:
        raise ConfigError(f"hooks.{key}: {command!r} cannot be read as a command: {error}") from None
    if not argv:
        raise ConfigError(f"hooks.{key}: {command!r} is no command")
    return argv
