"""How the sound devices are, and what is learnt by them: what the audio thread reports beside speech, on the event loop."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from satellite.audio import commands as cmd
from satellite.audio.card import Samples
from satellite.config import Config
from satellite.core.hardware import Condition, Device, Half
from satellite.core.health import Health
from satellite.core.reflex import ReflexRule
from satellite.core.self_test import SelfTested
from satellite.core.units import Millis
from satellite.detect.loop_delay import measure_loop_delay
from satellite.health_file import HealthKeeper
from satellite.observer import Observer

_log = logging.getLogger(__name__)

# whoever talks loudly every day knows by now
_ADVICE_AGAIN_MS = 3_600_000

Report = cmd.DeviceIs | cmd.DeviceTrouble | SelfTested | cmd.EchoSample


class Hardware:
    """Of one service. Slow work is submitted to somebody else; what comes of it are commands to the audio thread."""

    def __init__(
        self,
        config: Config,
        directory: Path | None,
        clock: Callable[[], float],
        submit: Callable[[Callable[[], None]], bool],
        command: Callable[[cmd.Command], None],
        observer: Observer,
    ) -> None:
        """`directory`: to keep in what the self-tests find; None: that is forgotten at the end."""
        audio, external = config.audio, config.external
        self._keeper = HealthKeeper(directory, (audio.microphone, audio.speaker), clock, submit)
        self._submit, self._command, self._observer = submit, command, observer
        names = {
            Half.MICROPHONE: external.mic_command or external.mic_uri or audio.microphone,
            Half.SPEAKER: external.snd_command or external.snd_uri or audio.speaker,
        }
        self.devices = {half: Device(half, str(name)) for half, name in names.items()}
        self._advised_at: dict[Condition, Millis] = {}

    @property
    def health(self) -> Health:
        """What all self-tests say."""
        return self._keeper.health

    @property
    def is_whole(self) -> bool:
        """Whether there is a microphone and a speaker."""
        return all(device.rate_hz and not device.condition.is_lost for device in self.devices.values())

    def has(self, half: Half) -> bool:
        """Whether it is not known to be lost."""
        return not self.devices[half].condition.is_lost

    def told(self, half: Half, now: Millis, xruns: int) -> str:
        """All about one, for people."""
        device = self.devices[half]
        rate = f", {device.rate_hz} Hz" if device.rate_hz else ""
        kind = "overruns" if half is Half.MICROPHONE else "underruns"
        why = f" ({device.why})" if device.why else ""
        return f"{device.name}: {device.told(now)}{why}{rate}, lost {device.losses} times, {xruns} {kind}"

    def take(self, report: Report, rule: Callable[[Health], ReflexRule]) -> None:
        """What the audio thread tells. `rule`: what interrupts, by what the self-tests say."""
        match report:
            case cmd.DeviceIs():
                self._become(report)
            case cmd.DeviceTrouble(message, is_news):
                _log.log(logging.WARNING if is_news else logging.DEBUG, "%s", message)
            case SelfTested():
                self._learn(report, rule)
            case cmd.EchoSample(reference, microphone):
                self._submit(partial(self._measure_loop_delay, reference, microphone))

    def close(self) -> None:
        """Keeps what has been learnt."""
        self._keeper.close()

    # ---- devices

    def _become(self, news: cmd.DeviceIs) -> None:
        before = self.devices[news.half]
        after = self.devices[news.half] = before.become(news.condition, news.at, news.why, news.rate_hz)
        if after.condition is not before.condition:
            self._tell_log(before, after, news.at)
        self._observer.on_device(after)

    def _tell_log(self, before: Device, after: Device, at: Millis) -> None:
        # why it is lost has been told as trouble
        if after.condition in (Condition.SILENT, Condition.CLIPPING):
            told_at = self._advised_at.get(after.condition)
            is_news = told_at is None or at - told_at >= _ADVICE_AGAIN_MS
            if is_news:
                self._advised_at[after.condition] = at
            level = logging.WARNING if is_news else logging.DEBUG
            _log.log(level, "the %s %s is %s: %s", after.half, after.name, after.condition, after.why)
        elif before.condition.is_trouble and not after.condition.is_lost:
            how = "back" if before.condition.is_lost else "well again"
            _log.info("the %s %s is %s after %.1f s", after.half, after.name, how, (at - before.since) / 1000)

    # ---- what is learnt

    def _learn(self, test: SelfTested, rule_of: Callable[[Health], ReflexRule]) -> None:
        health = self._keeper.learn(test)
        rule = rule_of(health)
        self._command(cmd.SetReflexRule(rule))
        _log.debug("self-test: %s; %s; near_end_db %.1f, margin %.1f", test, health, rule.near_end_db, rule.duck_margin_db)
        self._observer.on_health(health)

    def _measure_loop_delay(self, reference: Samples, microphone: Samples) -> None:
        """In the worker thread."""
        delay = measure_loop_delay(reference, microphone)
        if delay is not None:
            self._command(cmd.SetLoopDelay(delay.frames))
