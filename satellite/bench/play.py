"""One scene under every rule: what came of it."""

from satellite.bench.corpus import Corpus
from satellite.bench.judge import judge
from satellite.bench.measure import outcome
from satellite.bench.outcome import OURS, Played
from satellite.bench.probing import play_probes
from satellite.bench.run import Run, run
from satellite.bench.scene import Scene
from satellite.bench.setting import set_up
from satellite.bench.tracing import clear_ms
from satellite.core.say import Allow
from satellite.core.sensitivity import Profile
from satellite.core.units import RATE_HZ

# The probes of the first study have to be played, each in two forms on two signals: in every so manieth scene of all.
_PROBED_EVERY = 8


def play(scene: Scene, corpus: Corpus, profile: Profile, with_others: bool = True) -> tuple[Played, float]:
    """Plays it under the daemon's rule, and with a satellite that plays on, on which the other rules are judged.

    And for how many seconds it was played, in all.
    """
    setting = set_up(scene, corpus)
    ours = run(setting, Allow.SPEECH, profile=profile)
    # where nobody speaks and nothing was ducked, ours is the run that plays on
    undisturbed = scene.clip is None and not outcome(ours, ours).ducks
    plain = ours if undisturbed else run(setting, Allow.NONE, ours.plays)
    found = {OURS: outcome(ours, plain)}
    if with_others:
        found |= judge(plain)
        if int(scene.id) % _PROBED_EVERY == 0:
            found |= play_probes(setting, ours.plays)
    clear = None if plain.said is None else clear_ms(plain)
    return Played(scene, found, clear), _seconds(ours) + (0.0 if undisturbed else _seconds(plain))


def _seconds(played: Run) -> float:
    return played.end / RATE_HZ
