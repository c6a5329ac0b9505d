"""Scenes of the package's recordings, played once for all tests that look at them."""

from functools import cache

from satellite.bench.corpus import DEFAULT_CORPUS, Corpus, Half
from satellite.bench.run import Run, run
from satellite.bench.scene import Kind, Scene
from satellite.bench.setting import Setting, set_up
from satellite.core.say import Allow

CORPUS = Corpus(DEFAULT_CORPUS, Half.ALL)
REPLY = "heart_medium_67966.wav"

USER = Scene(id="1", kind=Kind.USER, group="user", seed=5, room="sim7", clip="tts_lights_joe.wav", reply=REPLY, ser_db=-5.0)
FAR = Scene(
    id="2",
    kind=Kind.USER,
    group="far",
    seed=6,
    room="sim7",
    clip="tts_lights_heart.wav",
    reply=REPLY,
    ser_db=0.0,
    latency_ms=120.0,
)
COUGH = Scene(id="3", kind=Kind.COUGH, group="cough", seed=7, room="sim7", clip="cough_synth_1.wav", reply=REPLY, ser_db=0.0)
ALONE = Scene(id="4", kind=Kind.ECHO, group="alone", seed=8, room="sim7", reply=REPLY, replies=2)
LOUDER = Scene(
    id="5", kind=Kind.ECHO, group="louder", seed=9, room="sim7", reply=REPLY, path_changes=((1.0, 10.0), (2.5, 0.0)), replies=1
)
KITCHEN = Scene(
    id="6", kind=Kind.BACKGROUND, group="kitchen", seed=10, room="sim7", reply=REPLY, noise="kitchen_synth_short.wav", snr_db=15.0
)


@cache
def setting(scene: Scene) -> Setting:
    """Of a scene."""
    return set_up(scene, CORPUS)


@cache
def ours(scene: Scene) -> Run:
    """Under the daemon's rule."""
    return run(setting(scene), Allow.SPEECH)


@cache
def plain(scene: Scene) -> Run:
    """Played on, whatever is heard."""
    return run(setting(scene), Allow.NONE, ours(scene).plays)
