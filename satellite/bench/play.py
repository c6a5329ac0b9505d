"""One scene under every rule: what came of it."""

from satellite.bench.corpus import Corpus
from satellite.bench.measure import clear_ms, outcome
from satellite.bench.outcome import OURS, Outcome, Played
from satellite.bench.run import Run, run
from satellite.bench.scene import Scene
from satellite.bench.setting import set_up
from satellite.core.say import Allow


def play(scene: Scene, corpus: Corpus) -> Played:
    """Plays it under the daemon's rule, and with a satellite that plays on, on which the other rules are judged."""
    setting = set_up(scene, corpus)
    ours = run(setting, Allow.SPEECH)
    undisturbed = scene.clip is None and not _alone_outcome(ours).ducks
    plain = ours if undisturbed else run(setting, Allow.NONE, ours.plays)
    found = {OURS: outcome(ours, plain)}
    return Played(scene, found, None if plain.said is None else clear_ms(plain))


def _alone_outcome(ours: Run) -> Outcome:
    return outcome(ours, ours)
