"""Records the features of a few scenes, on which the reflex' decisions are replayed: see tests/core/test_replay.py.

    python -m tests.bench.record

writes tests/core/recorded anew. A change of them is a change of the decision, or of what it is made on: look at what changed.
"""

from collections.abc import Sequence
from dataclasses import replace

from satellite.audio import engine
from satellite.bench.run import run
from satellite.bench.scene import Scene
from satellite.bench.setting import set_up
from satellite.core.reflex import Mode, Observation, Reflex, ReflexRule, Verdict, step
from satellite.core.say import Allow
from tests.bench.played import CORPUS, COUGH, LOUDER, USER
from tests.core.features import RECORDED, rounded, write

SCENES = {"user": USER, "soft_user": replace(USER, ser_db=-15.0, seed=11), "cough": COUGH, "louder_path": LOUDER}


def recorded(scene: Scene) -> Sequence[tuple[Observation, Verdict, Mode]]:
    """What the reflex saw, and what it decides on that once it is rounded."""
    seen: list[Observation] = []

    def tapped(reflex: Reflex, observation: Observation, rule: ReflexRule) -> tuple[Reflex, Verdict]:
        seen.append(rounded(observation))
        return step(reflex, seen[-1], rule)

    usual = engine.rx.step
    engine.rx.step = tapped  # type: ignore[assignment]
    try:
        run(set_up(scene, CORPUS), Allow.SPEECH)
    finally:
        engine.rx.step = usual  # type: ignore[assignment]
    story, reflex = [], Reflex()
    for observation in seen:
        reflex, verdict = step(reflex, observation, ReflexRule())
        story.append((observation, verdict, reflex.mode))
        if verdict is Verdict.HOLD:
            break
    return story


def main() -> None:
    """Writes all of them."""
    for name, scene in SCENES.items():
        story = recorded(scene)
        write(RECORDED / f"{name}.csv", story)
        print(f"{name}: {len(story)} periods, {[verdict.name for _, verdict, _ in story if verdict is not Verdict.NONE]}")


if __name__ == "__main__":
    main()
