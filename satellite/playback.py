"""What the loudspeaker is to play, and how loud: replies by their turns, what waits for its turn, sounds beside speech.

It gives the audio thread its commands; what is played when the conversation decides.
"""

from collections.abc import Callable
from functools import partial

from satellite.audio import commands as cmd
from satellite.audio.card import Samples
from satellite.audio.engine import AudioEngine
from satellite.audio.levels import gain_of_volume
from satellite.audio.mixer import Mixer
from satellite.audio.reply import Reply
from satellite.audio.ring import Ring
from satellite.audio.sounds import SoundFile
from satellite.audio.tones import melody
from satellite.audio.whoosh import whoosh
from satellite.config import AnySound, Config, Sound
from satellite.core import actions as act
from satellite.core.cues import Cue
from satellite.core.health import Health
from satellite.core.units import Millis
from satellite.rules import own_reflex_rule

# the detectors have to know the room's noise before they can learn from a sound
ROOM_FIRST_S = 0.5


class Playback:
    """Of one service, on its event loop. ConfigError for a sound that cannot be played."""

    def __init__(self, config: Config, engine: AudioEngine, health: Callable[[], Health], greets: bool = True) -> None:
        """`greets`: whether the start-up sound is played."""
        self._engine, self._health, self._timers = engine, health, config.timers
        self._replies: dict[int, Reply] = {}
        self._waiting: dict[int, Reply] = {}
        self._sounds = {which: _sound(which.value, getattr(config.sounds, which), partial(melody, which.value)) for which in Cue}
        level_dbfs, sound = config.audio.warm_up_dbfs, config.sounds.start_up
        is_silent = level_dbfs is None and sound == "default"
        self._start_up = _sound("start_up", None if is_silent else sound, partial(whoosh, dbfs=level_dbfs or 0.0))
        self._has_begun = not greets
        self._mixer = Mixer(config.audio.mixer, config.audio.speaker) if config.audio.mixer else None

    @property
    def rate_hz(self) -> int:
        """Of the speaker."""
        return self._engine.player.rate_hz

    # ---- replies

    def new_reply(self, gain: float = 1.0) -> Reply:
        """An empty one, for whoever fills it."""
        return Reply(0, self.rate_hz, gain)

    def open_reply(self, turn: int) -> Reply:
        """A turn's reply begins to come."""
        self.give(turn, self.new_reply())
        return self._replies[turn]

    def give(self, turn: int, reply: Reply) -> None:
        """This is the turn's reply."""
        reply.turn = turn
        self._replies[turn] = reply

    def begin_turn(self, turn: int) -> None:
        """The last turn's reply may yet be resumed; older ones are over."""
        for old in [t for t in self._replies if t < turn - 1]:
            del self._replies[old]

    def played(self, sink: object) -> Millis:
        """How much of a reply has left the loudspeaker; nothing, if another plays."""
        position = self._engine.position
        return position.played if position is not None and self._engine.player.reply is sink else Millis(0)

    def command(self, action: act.Play | act.StopReply | act.ResumeReply | act.FinishReply) -> None:
        """Carries out what the conversation wants of a reply."""
        commands = self._engine.commands
        match action:
            case act.Play(turn, allow, own):
                commands.append(cmd.PlayReply(self._replies[turn], allow, own_reflex_rule(own, self._health())))
            case act.StopReply(turn, keep):
                commands.append(cmd.StopReply(turn, keep))
                if not keep:
                    self._replies.pop(turn, None)
            case act.ResumeReply(turn):
                commands.append(cmd.ResumeReply(turn))
            case act.FinishReply(turn):
                self._replies[turn].finish()

    # ---- what waits for its turn

    def keep(self, id: int, turn: int) -> None:
        """What was to be the reply of this turn waits, by this id."""
        self._waiting[id] = self._replies.pop(turn)

    def ring(self, id: int) -> Millis | None:
        """The ring of a timer waits, by this id; how long it is, or None if the operator wants none."""
        samples = self._sounds[Cue.TIMER].at(self.rate_hz)
        if samples is None:
            return None
        ring = Ring(samples, self.rate_hz, self._timers.pause_s, self._timers.times, self._timers.limit_s)
        self._waiting[id] = ring
        return ring.total_ms

    def take(self, id: int, turn: int) -> bool:
        """What waits by this id is the turn's reply; False if nothing does."""
        if (reply := self._waiting.pop(id, None)) is None:
            return False
        self.give(turn, reply)
        return True

    def drop(self, id: int) -> None:
        """It will not be played, or has been. May be called twice."""
        self._waiting.pop(id, None)

    # ---- sounds

    def cue(self, which: Cue) -> None:
        """Plays the sound beside whatever plays."""
        self._play(self._sounds[which].at(self.rate_hz))

    def set_volume(self, volume: int) -> None:
        """Of all that is played, 0 to 100: by the card's mixer, if the operator wants that."""
        if self._mixer is not None:
            self._mixer.set(volume)
            return
        self._engine.commands.append(cmd.SetVolume(gain_of_volume(volume)))

    def start_up(self) -> None:
        """Plays the start-up sound, if that has not been done."""
        if not self._has_begun:
            self._has_begun = True
            self._play(self._start_up.at(self.rate_hz), is_wide=True)

    def _play(self, samples: Samples | None, is_wide: bool = False) -> None:
        if samples is not None:
            self._engine.commands.append(cmd.PlaySound(samples, is_wide))


def _sound(name: str, wanted: AnySound, default: Callable[[int], Samples]) -> SoundFile:
    spec = wanted if isinstance(wanted, Sound) else None
    file = wanted if not isinstance(wanted, Sound) else wanted.file
    return SoundFile(f"sounds.{name}", file, default, spec.volume if spec else 100)
