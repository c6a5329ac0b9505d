"""Results that nobody measured: a few by hand, every count of which is known, and many as a full run has them."""

import math
import random
from dataclasses import replace

from satellite.bench.outcome import OURS, Outcome, Played, Results
from satellite.bench.scene import Kind, Scene, When


def scene(kind: Kind, group: str, number: int = 0, **more: object) -> Scene:
    """One that is like all others but for what is said."""
    return replace(Scene(id=f"{group}-{number}", kind=kind, group=group, seed=number, room="rooms/a.wav", replies=2), **more)  # type: ignore[arg-type]


def results(*played: Played) -> Results:
    """Of those."""
    return Results(
        corpus="corpus",
        half="held out",
        suite="mini",
        seed=4,
        version="1.2.3",
        machine="x86_64, 2 cores",
        took_s=61.7,
        sound_s=7200.0,
        played=list(played),
    )


def user(number: int, ser_db: float, outcome: Outcome, clear_ms: float | None = 60.0, **more: object) -> Played:
    """A scene with a user, played to our rule alone."""
    return Played(scene(Kind.USER, f"SER {ser_db:.0f}", number, ser_db=ser_db, **more), {OURS: outcome}, clear_ms)


# how sharp each rule is: median latency in ms, share missed at SER -10 dB, false stops per hour, chance to end a harmless sound
_RULES = {
    OURS: (150.0, 0.045, 0.0, 0.08),
    "silero": (75.0, 0.03, 40.0, 1.0),
    "tutorial 250 ms": (300.0, 0.12, 9.0, 0.75),
    "pipecat": (260.0, 0.3, 1.2, 0.6),
    "livekit": (560.0, 0.4, 0.2, 0.3),
    "gate": (170.0, 0.2, 2.1, 0.8),
    "probe": (190.0, 0.1, 1.1, 0.7),
}
_FACTORS = (0.25, 0.5, 2.0, 4.0)


def full(scenes: int = 120) -> Results:
    """As many of each kind, with all rules and their swept thresholds."""
    dice = random.Random(4)
    played: list[Played] = []
    for ser_db in (0.0, -10.0, -15.0):
        for i in range(scenes):
            played.append(_user(dice, scene(Kind.USER, f"SER {ser_db:.0f} dB", i, ser_db=ser_db)))
    for noise in ("TV", "music"):
        for i in range(scenes // 2):
            one = scene(Kind.USER, f"{noise} on, user 10 dB above", i, ser_db=-10.0, noise=f"noise/{noise}.wav", snr_db=10.0)
            played.append(_user(dice, one))
    for i in range(scenes // 2):
        played.append(_user(dice, scene(Kind.USER, "first 300 ms of the answer", i, ser_db=-10.0, when=When.FIRST)))
    for word in ("stop", "no, wait"):
        for i in range(scenes // 4):
            played.append(_user(dice, scene(Kind.WORD, f'"{word}"', i, ser_db=-10.0)))
    for group in ("echo only", "echo path changes", "drift 100 ppm"):
        for i in range(scenes // 10):
            change = ((3.0, None), (6.0, 10.0)) if "path" in group else ()
            played.append(_nobody(dice, scene(Kind.ECHO, group, i, path_changes=change), 1.0))
    for group in ("TV already on", "music already on"):
        for i in range(scenes // 10):
            played.append(_nobody(dice, scene(Kind.BACKGROUND, group, i, noise="noise/tv.wav", snr_db=5.0), 6.0))
    for kind, group in ((Kind.BACKCHANNEL, '"mm-hm"'), (Kind.COUGH, "cough"), (Kind.SOUND, "door <slammed> & shut")):
        for i in range(scenes // 3):
            played.append(_harmless(dice, scene(kind, group, i, ser_db=-10.0)))
    return replace(results(*played), suite="full", sound_s=26.3 * 3600)


def _user(dice: random.Random, one: Scene) -> Played:
    hard = {0.0: 0.5, -10.0: 1.0, -15.0: 3.0}[one.ser_db]
    outcomes: dict[str, Outcome] = {}
    for rule, (median, missed, _, _) in _RULES.items():
        for factor in (1.0, *(_FACTORS if rule in (OURS, "livekit", "gate") else ())):
            name = rule if factor == 1.0 else f"{rule}@{factor}"
            if dice.random() < missed * hard * factor:
                outcomes[name] = Outcome()
                continue
            silent = median * hard**0.2 * math.exp(dice.gauss(0.0, 0.35))
            outcomes[name] = Outcome(
                duck_ms=silent * 0.45,
                silent_ms=silent,
                commit_ms=silent + 380.0,
                lost_ms=0.0,
                position_error_ms=dice.uniform(-6.0, 6.0),
            )
    clear = None if dice.random() < 0.01 else 62.0 * math.exp(dice.gauss(0.0, 0.4))
    return Played(one, outcomes, clear)


def _nobody(dice: random.Random, one: Scene, more: float) -> Played:
    outcomes = {}
    for rule, (_, _, per_hour, _) in _RULES.items():
        for factor in (1.0, *(_FACTORS if rule in (OURS, "livekit", "gate") else ())):
            name = rule if factor == 1.0 else f"{rule}@{factor}"
            stops = sum(dice.random() < per_hour * more / factor / 100 for _ in range(100))
            outcomes[name] = Outcome(stops=stops, ducks=stops + (dice.random() < 0.4), hours=0.4)
    return Played(one, outcomes)


def _harmless(dice: random.Random, one: Scene) -> Played:
    outcomes = {}
    for rule, (median, _, _, ends) in _RULES.items():
        if dice.random() < ends:
            outcomes[rule] = Outcome(duck_ms=median / 2, silent_ms=median, commit_ms=median + 400.0)
        elif dice.random() < 0.7:
            outcomes[rule] = Outcome(duck_ms=median / 2, silent_ms=median, resume_ms=dice.uniform(350.0, 690.0))
        else:
            outcomes[rule] = Outcome(duck_ms=median / 2)
    return Played(one, outcomes)
