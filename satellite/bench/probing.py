"""The probe of the first study, played in a closed loop: its ducks are heard in what it decides on."""

from dataclasses import dataclass, field

import numpy as np

from satellite.audio.levels import level_db
from satellite.bench.judge import of_yields
from satellite.bench.outcome import Outcome
from satellite.bench.probe import PLAIN, SELF_CALIBRATING, Probe, ProbeRule, Verdict, Window, step
from satellite.bench.rules import Yields
from satellite.bench.run import run
from satellite.bench.setting import Setting
from satellite.bench.stage import QUEUE_MS, Stage
from satellite.bench.tracing import counted, window_end
from satellite.core import events as ev
from satellite.core.say import Allow
from satellite.core.units import PERIOD_FRAMES, frames
from satellite.simulate.signals import direct_path_frames

_WINDOW_FRAMES = 512
# from the decision to where all that is heard was played ducked: a period, the queue, and the ramp of 10 ms
_DUCKED_AFTER_MS = 10 + QUEUE_MS + 10

PROBES = {"probe": PLAIN, "self-calibrating probe": SELF_CALIBRATING}


def play_probes(setting: Setting, plays: tuple[int, ...]) -> dict[str, Outcome]:
    """Both forms, each read behind the canceller and on the raw microphone."""
    found = {}
    for name, rule in PROBES.items():
        for place, is_raw in (("behind the canceller", False), ("raw microphone", True)):
            prober = _Prober(setting, rule, is_raw)
            played = run(setting, Allow.NONE, plays, prober.on_step)
            found[f"{name}, {place}"] = of_yields(played, counted(played), prober.yields)
    return found


@dataclass
class _Prober:
    setting: Setting
    rule: ProbeRule
    is_raw: bool
    probe: Probe = field(default_factory=Probe)
    stops: list[int] = field(default_factory=list)
    ducks: list[int] = field(default_factory=list)
    _seen: int = 0
    _ducked_from: int | None = None

    @property
    def yields(self) -> Yields:
        return Yields(tuple(self.stops), tuple(self.ducks))

    def on_step(self, stage: Stage) -> None:
        """Looks at the windows that have ended in this period."""
        for told in stage.told[self._seen :]:
            if isinstance(told.what, ev.VoiceWindow) and (end := window_end(told.what)) % _WINDOW_FRAMES == 0:
                self._window(stage, end, told.what.probability)
        self._seen = len(stage.told)

    def _window(self, stage: Stage, end: int, probability: float) -> None:
        begin = end - _WINDOW_FRAMES
        late = direct_path_frames(self.setting.echo_ir)
        is_ducked = self._ducked_from is not None and begin >= self._ducked_from
        level = level_db(stage.room.heard.between(begin, end) if self.is_raw else _clean(stage, begin, end))
        reference = level_db(stage.room.given.between(begin - late, end - late))
        seen = Window(probability, level, reference, is_ducked, stage.is_speaking)
        self.probe, verdict = step(self.probe, seen, self.rule)
        self._obey(stage, verdict, end)

    def _obey(self, stage: Stage, verdict: Verdict, end: int) -> None:
        match verdict:
            case Verdict.DUCK:
                self.ducks.append(end)
                stage.engine.player.duck()
                self._ducked_from = end + frames(_DUCKED_AFTER_MS + self.setting.scene.latency_ms)
            case Verdict.UNDUCK | Verdict.STOP:
                if verdict is Verdict.STOP:
                    self.stops.append(end)
                stage.engine.player.unduck()
                self._ducked_from = None
            case Verdict.NONE:
                pass


def _clean(stage: Stage, begin: int, end: int) -> np.ndarray:
    first = begin // PERIOD_FRAMES
    periods = np.frombuffer(b"".join(stage.heard[first : -(-end // PERIOD_FRAMES)]), "<i2")
    return periods[begin - first * PERIOD_FRAMES :][: end - begin]
