"""One scene, looked at: what came of it in words, and what is drawn of it."""

from collections.abc import Iterable

import numpy as np

from satellite.audio import commands as cmd
from satellite.bench.corpus import Corpus
from satellite.bench.measure import outcome
from satellite.bench.run import Run, run
from satellite.bench.scene import Scene
from satellite.bench.setting import set_up
from satellite.bench.view import Marks, SceneView, told
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.say import Allow
from satellite.core.sensitivity import Profile
from satellite.core.state import State, Why
from satellite.core.units import RATE_HZ
from satellite.demo.scene import Series, Track
from satellite.simulate.signals import Tape


def look(scene: Scene, corpus: Corpus, profile: Profile) -> tuple[SceneView, list[str]]:
    """Plays it under the daemon's rule and beside it."""
    setting = set_up(scene, corpus)
    ours = run(setting, Allow.SPEECH, profile=profile)
    found = outcome(ours, run(setting, Allow.NONE, ours.plays))
    lines = [f"  {name:<18} {_shown(getattr(found, name))}" for name in type(found).__dataclass_fields__]
    return _view(ours, profile), lines


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _view(of: Run, profile: Profile) -> SceneView:
    scene, stage = of.setting.scene, of.stage
    begin = of.plays[-1]
    return SceneView(
        title=f"Scene {scene.id}",
        lines=told(scene),
        heard=_track(of.room.heard, begin, of.end),
        near=_track(of.room.near, begin, of.end),
        given=_track(of.room.given, begin, of.end),
        gain=_series(((at, v.gain) for at, v in stage.all_told(cmd.Vitals)), begin),
        probability=_series(((at, w.probability) for at, w in stage.all_told(ev.VoiceWindow)), begin),
        near_end=_series(((at, v.near_end.now_db) for at, v in stage.all_told(cmd.Vitals)), begin),
        duck_probability=profile.reflex.duck_probability,
        near_end_db=profile.reflex.near_end_db,
        marks=_marks(of),
    )


def _marks(of: Run) -> Marks:
    since = of.plays[-1] if of.onset is None else of.onset
    stage = of.stage
    changes = [(at, change) for at, change in stage.all_told(act.Become) if at > since]
    holds = [at for at, _ in stage.all_told(ev.Held) if at > since]
    ducks = [at for at, duck in stage.all_told(cmd.Ducked) if at > since and duck.is_ducked]
    return Marks(
        onset_s=None if of.onset is None else of.onset / RATE_HZ,
        ducked_s=_first_s(ducks),
        held_s=_first_s(holds),
        committed_s=_first_s(at for at, change in changes if change.new is State.LISTENING),
        resumed_s=_first_s(at for at, change in changes if change.why is Why.FALSE_ALARM),
    )


def _first_s(frames: Iterable[int]) -> float | None:
    first = next(iter(frames), None)
    return None if first is None else first / RATE_HZ


def _track(tape: Tape, begin: int, end: int) -> Track:
    return Track(begin / RATE_HZ, tape.between(begin, end))


def _series(points: Iterable[tuple[int, float]], begin: int) -> Series:
    kept = [(at / RATE_HZ, value) for at, value in points if at >= begin]
    return Series(np.array([at for at, _ in kept]), np.array([value for _, value in kept]))
