"""What the picture of one scene shows, on one axis: seconds from the satellite's start."""

from dataclasses import dataclass

from satellite.bench.scene import Kind, Scene, When
from satellite.demo.scene import Series, Track


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """When it happened, in seconds; None: it did not."""

    onset_s: float | None = None
    """The user's first sound at the microphone, or that of whatever else happens."""
    ducked_s: float | None = None
    """The loudspeaker is 20 dB down ..."""
    silent_s: float | None = None
    """... it is 40 dB down ..."""
    held_s: float | None = None
    """... for the reflex has stopped the reply ..."""
    committed_s: float | None = None
    """... which is over, ..."""
    resumed_s: float | None = None
    """... or goes on."""

    @property
    def begin_s(self) -> float | None:
        """What the others are measured from: the onset, or in a scene in which nobody says anything the first that happened."""
        if self.onset_s is not None:
            return self.onset_s
        known = (self.ducked_s, self.silent_s, self.held_s, self.committed_s, self.resumed_s)
        return min((at_s for at_s in known if at_s is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneView:
    """A scene, and what came of it."""

    title: str
    lines: tuple[str, ...]
    """Below the title: see `told`."""
    heard: Track
    """By the microphone."""
    near: Track
    """What of it is the user's, or of whatever else is not our echo; empty without."""
    given: Track
    """To the loudspeaker."""
    gain: Series
    """The reply's, 0 to 1."""
    probability: Series
    """Of speech; each value at the end of its window."""
    near_end: Series
    """What the raw microphone hears beside our own echo, in dB."""
    duck_probability: float
    near_end_db: float
    """The thresholds of both."""
    marks: Marks


def told(scene: Scene) -> tuple[str, ...]:
    """What the scene is, in lines that fit the picture."""
    who = [f"{scene.kind.value} ({scene.group})", f"answer {scene.replies}", f"seed {scene.seed}"]
    if scene.clip is not None:
        who.insert(1, f"{scene.clip}, SER {scene.ser_db:g} dB")
    lines = [", ".join(who), f"Room {scene.room}" + (f", talker at {scene.talker_m} m" if scene.clip is not None else "")]
    if scene.kind not in (Kind.ECHO, Kind.BACKGROUND) and scene.when is not When.MIDDLE:
        lines.append(f"They begin {scene.when.value}")
    if scene.noise is not None:
        lines.append(f"Noise {scene.noise}" + (f", SNR {scene.snr_db:g} dB" if scene.snr_db is not None else ""))
    lines.append(", ".join(_chain(scene)))
    return tuple(lines)


def _chain(scene: Scene) -> list[str]:
    """What is between the samples and the microphone, and is not as it usually is."""
    said = [f"Latency {scene.latency_ms:g} ms"]
    if scene.jitter_ms:
        said.append(f"jitter {scene.jitter_ms:g} ms")
    if scene.ppm:
        said.append(f"drift {scene.ppm:g} ppm")
    if scene.thd:
        said.append(f"distortion {100 * scene.thd:g} % at -6 dBFS")
    if scene.limiter:
        said.append("limiter")
    said += [f"at {at:g} s " + ("another path" if db is None else f"path {db:+g} dB") for at, db in scene.path_changes]
    if not scene.warm_up:
        said.append("no warm-up")
    return said
