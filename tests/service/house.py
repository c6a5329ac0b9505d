"""The whole daemon in a room without echoes from walls, a mock hub on loopback, and somebody who talks.

In virtual time the stories that are played here are the same on every machine, each time, to the sample.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import soxr
from numpy.typing import NDArray

from satellite.audio.card import Samples
from satellite.audio.commands import Ducked
from satellite.audio.reply import Reply
from satellite.audio.whoosh import LENGTH_S
from satellite.config import BargeIn, Config, Hub, Listening, Sounds
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.burst import BurstRule
from satellite.core.conversation import TimeLimits
from satellite.core.hardware import Device
from satellite.core.health import Health
from satellite.core.say import Allow
from satellite.core.state import State, Why
from satellite.core.timers import Timer
from satellite.core.units import RATE_HZ, Frames, Millis, frames
from satellite.mock.agent import Agent, keyword_agent
from satellite.mock.hub import HubRule, MockHub
from satellite.mock.journal import Entry, Journal
from satellite.mock.pipeline import PipelineRule, Run
from satellite.mock.recogniser import TemplateRecogniser
from satellite.mock.recordings import SPOKEN, STOP, recording, trimmed
from satellite.mock.stt import MockStt
from satellite.mock.tts import VOICE_RATE_HZ, MockTts
from satellite.observer import Observer
from satellite.service import Service
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import RealClock
from satellite.simulate.room import Room, Said, ser_gain_db
from satellite.simulate.signals import Signal
from satellite.simulate.stepped import InlineWakeWords, SteppedAudio
from satellite.simulate.virtual_time import VirtualLoop, run_virtually

# nothing that is waited for takes longer: the longest time limit that a story waits for is ten seconds
SOON_S = 20.0

# above that, so that nobody doubts this user: the acoustics have their own tests
SER_DB = 20.0

# the start-up sound, and what is made of it: the canceller knows the room, and the loop delay has been measured
WARM_FRAMES = frames(int(LENGTH_S * 1000) + 1400)

REPLY_TEXT = "I found three recipes for tomato soup."
LONG_TEXT = f"{REPLY_TEXT} The first one takes twenty five minutes."

_VOICE = recording("heart_medium_67966")
# the beginning of the recording without the silence before it: 1.4 s
REPLY = _VOICE[int(0.25 * RATE_HZ) : int(1.65 * RATE_HZ)]
# and then its second sentence, without a pause between them: 3.15 s
LONG = np.concatenate((REPLY, _VOICE[int(3.05 * RATE_HZ) : int(4.8 * RATE_HZ)]))

# a loudspeaker so soft at the microphone that the start-up sound teaches the canceller all there is to learn
_COUPLING_DB = -30.0
_NOISE_DBFS = -72.0
# more than a sample is on its way from the speaker's queue to its cone
_LATENCY = frames(10)

# a voice that is held for certain, and a rule by which it was nothing: which sounds are words is tested elsewhere
MURMUR = trimmed("tts_lights_heart")[: int(0.9 * RATE_HZ)]
PATIENT = BurstRule(commit_ms=Millis(1500), vowels_ms=Millis(10_000), shortest_ms=Millis(10_000))

# of full scale 32768: what the sizes of the wire's chunks change in a resampled sound
_SAME = 4
# a sound of which nothing may be heard is looked for in pieces, at any volume; of what is one so much may be something else
_PIECE = frames(50)
_OTHER = 0.05

# the mock's own start is not what is tested, and a user's pause after a word is no end
_QUICK = HubRule(reconnect_s=0.2)
_SILENCE_MS = 300
_LIMITS = TimeLimits()
_BURST = BurstRule()


Wave = NDArray[np.float64]

A = TypeVar("A", bound=act.Action)
E = TypeVar("E", bound=ev.Event)


@dataclass
class Watcher(Observer):
    """Writes down what the daemon does, and wakes those who wait for it."""

    states: list[tuple[State, State, Why]] = field(default_factory=list)
    events: list[ev.Event] = field(default_factory=list)
    windows: list[ev.VoiceWindow] = field(default_factory=list)
    actions: list[act.Action] = field(default_factory=list)
    heard: dict[int, bytes] = field(default_factory=dict)
    ducked: list[Ducked] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    healths: list[Health] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self) -> None:
        """Something is not as it was."""
        self._changed.set()
        self._changed.clear()

    async def change(self) -> None:
        """Waits until something is not as it was, at most for a period of the microphone while that works."""
        await self._changed.wait()

    def on_state_changed(self, old: State, new: State, why: Why) -> None:
        self.states.append((old, new, why))
        self.note()

    def on_event(self, event: ev.Event) -> None:
        if isinstance(event, ev.VoiceWindow):
            self.windows.append(event)
        else:
            self.events.append(event)
        self.note()

    def on_action(self, action: act.Action) -> None:
        self.actions.append(action)
        self.note()

    def on_heard(self, first: Frames, pcm: bytes) -> None:
        self.heard[first] = pcm
        self.note()

    def on_device(self, device: Device) -> None:
        self.devices.append(device)
        self.note()

    def on_ducked(self, ducked: Ducked) -> None:
        self.ducked.append(ducked)

    def on_timer(self, timer: Timer) -> None:
        self.timers.append(timer)

    def on_health(self, health: Health) -> None:
        self.healths.append(health)

    def of(self, kind: type[A]) -> list[A]:
        """What has been done of a kind."""
        return [a for a in self.actions if isinstance(a, kind)]

    def told(self, kind: type[E]) -> list[E]:
        """What has happened of a kind."""
        return [e for e in self.events if isinstance(e, kind)]

    def heard_from(self, first: int, count: int) -> bytes:
        """What the microphone gave from a frame on, as it came; fewer frames if one is missing."""
        out = bytearray()
        at = min((f for f in self.heard if f <= first < f + len(self.heard[f]) // 2), default=first)
        skip = (first - at) * 2
        while len(out) < skip + count * 2 and at in self.heard:
            out += self.heard[at]
            at += len(self.heard[at]) // 2
        return bytes(out[skip : skip + count * 2])


@dataclass(kw_only=True)
class Place:
    """A satellite, and the room it stands in."""

    service: Service
    room: Room
    card: SimulatedCard
    seen: Watcher
    wakes: int = 0
    begin: int = 0
    """The frame of the room at which the story begins."""

    # ---- what the user does

    def say(self, words: str | Samples, after_s: float = 0.0, ser_db: float = SER_DB) -> Said:
        """Begins to say a recording of the package, without the silence around it, or any other sound."""
        samples = trimmed(words) if isinstance(words, str) else words
        gain_db = ser_gain_db(self.room, LONG, samples, ser_db)
        # a room whose card is away stands still until somebody looks
        now = max(self.room.end_frame, self.card.air_frame(asyncio.get_running_loop().time()))
        return self.room.say(samples, now + int(after_s * RATE_HZ), gain_db)

    def wake(self) -> None:
        """The wake word, as the detector tells of it: its own tests are elsewhere, and it takes a second to say."""
        engine = self.service.engine
        self.wakes += 1
        # never the same twice: a hub takes that for two satellites that heard one user
        self.service.handle(ev.WakeHeard(engine.now(), f"word {self.wakes}", engine.frame))

    async def command(self, words: str | Samples = "tts_stop_joe") -> None:
        """A whole command, until the hub thinks of its answer."""
        self.wake()
        self.say(words)
        await self.until_state(State.PROCESSING)

    async def answer(self, into_s: float = 0.0) -> None:
        """A whole command, until so much of its answer has been played."""
        before = len(self.seen.of(act.Play))
        await self.command()
        await self.until(lambda: len(self.seen.of(act.Play)) > before)
        await self.until_played(into_s)

    # ---- what is waited for

    async def until(self, holds: Callable[[], object], within_s: float = SOON_S) -> None:
        """Waits for something to be so, for a while."""
        try:
            async with asyncio.timeout(within_s):
                while not holds():
                    await self.seen.change()
        except TimeoutError:
            states = [f"{new}: {why}" for _, new, why in self.seen.states]
            raise TimeoutError(f"it did not come to that; {states}, {self.seen.events[-6:]}") from None

    async def until_state(self, *states: State) -> None:
        """Waits until the conversation is in one of these."""
        await self.until(lambda: self.service.state in states)

    async def until_heard(self) -> None:
        """Waits until the microphone works, and has for as long as a wake word is looked back for."""
        before = len(self.seen.heard)
        await self.until(lambda: len(self.seen.heard) - before > 25)

    async def until_frame(self, frame: int) -> None:
        """Waits until the room is there."""
        await self.until(lambda: self.room.end_frame >= frame)

    async def until_recorded(self) -> None:
        """Waits until the room's tapes, which are a little behind, hold the present and all that the speaker has by now."""
        await self.until_frame(self.card.air_frame(asyncio.get_running_loop().time()) + _LATENCY)

    async def until_played(self, seconds: float) -> None:
        """Waits until so much of the present reply has left the speaker."""
        await self.until(lambda: self.service.engine.player.position.played >= seconds * 1000)

    # ---- what came of it

    def has_played(self, sound: Samples, since: int = 0) -> bool:
        """Whether the loudspeaker's cone has moved as this sound, to the sample."""
        cone = self._cone(since)
        place = _best_place(sound.astype(np.float64), cone)
        found = cone[place : place + len(sound)]
        return len(found) == len(sound) and bool(np.abs(found - sound).max() <= _SAME)

    def has_sounded_like(self, sound: Samples, since: int = 0) -> bool:
        """The same for a sound that came at a rate, or in pieces, of which every resampling makes another one."""
        cone, wanted = self._cone(since), sound.astype(np.float64)
        place = _best_place(wanted, cone)
        found = cone[place : place + len(sound)]
        return len(found) == len(sound) and float(((found - wanted) ** 2).sum()) < _OTHER * float((wanted**2).sum())

    def has_not_played(self, sound: Samples, since: int) -> bool:
        """Whether nothing of this sound was to be heard."""
        cone = self._cone(since)
        pieces = [sound[at : at + _PIECE].astype(np.float64) for at in range(0, len(sound) - _PIECE + 1, _PIECE)]
        return not any(_is_in(piece, cone) for piece in pieces)

    def is_silent(self, since: int, until: int | None = None) -> bool:
        """Whether the loudspeaker has kept still."""
        return not self.room.cone.between(since, self.room.cone.end_frame if until is None else until).any()

    def _cone(self, since: int) -> Wave:
        return self.room.cone.between(since, self.room.cone.end_frame).astype(np.float64)


@dataclass(kw_only=True)
class House(Place):
    """The same with a hub."""

    hub: MockHub
    stt: MockStt
    tts: MockTts
    port: int

    async def works(self) -> None:
        """Passes if a turn from the wake word to the sound of its answer works now."""
        words, plays = len(self.words()), len(self.seen.of(act.Play))
        await self.answer(into_s=0.1)
        assert self.words()[words:] == [STOP] and len(self.seen.of(act.Play)) == plays + 1

    async def until_ready(self) -> None:
        """Waits until the hub is here and nothing is going on."""
        await self.until(lambda: self.service.state is State.IDLE and self.hub.journal.of("info"))

    async def until_back(self, times: int = 2) -> None:
        """Waits until a hub has chosen us so often and nothing is going on."""
        await self.until(lambda: len(self.seen.told(ev.HubOpened)) >= times and self.service.state is State.IDLE)
        await self.until_recorded()

    async def until_understood(self, count: int) -> None:
        """Waits until the hub has made words of so many utterances."""
        await self.until(lambda: len(self.words()) >= count)

    async def until_over(self, times: int = 1) -> None:
        """Waits until so many replies have ended, the hub knows, and nothing is going on."""
        await self.journal.wait_for("played", times, SOON_S)
        await self.until_state(State.IDLE)
        await self.until_recorded()

    # ---- what came of it

    @property
    def journal(self) -> Journal:
        """What the hub saw."""
        return self.hub.journal

    @property
    def runs(self) -> list[Run]:
        """The pipeline runs of the hub's present connection."""
        assert self.hub.pipeline is not None
        return list(self.hub.pipeline.runs)

    def heard_live(self) -> bool:
        """Whether speech-to-text got exactly what the microphone gave from the beginning of the utterance on."""
        run, first = self.runs[-1], self.seen.of(act.StreamMic)[-1].first
        return len(run.heard) > 0 and bytes(run.heard) == self.seen.heard_from(first, len(run.heard) // 2)

    def words(self) -> list[str]:
        """What the hub understood so far."""
        return [e.data["text"] for e in self.journal.of("transcript", "sent")]

    def interrupts(self) -> list[tuple[str, str]]:
        """The interruptions that the hub was told of: number in order of appearance, and phase."""
        entries = self.journal.of("interrupt")
        ids = list(dict.fromkeys(e.data["id"] for e in entries))
        return [(f"#{ids.index(e.data['id']) + 1}", e.data["phase"]) for e in entries]

    def order(self, *kinds: str) -> list[str]:
        """What the hub was sent of these, in order; runs by their first stage."""
        return [_brief(e) for e in self.journal.entries if e.direction == "received" and _brief(e) in kinds]


def as_played(*sounds: Samples) -> Samples:
    """What is left of sounds, one after the other in one reply, when the voice's rate and the speaker's have changed them."""
    reply = Reply(0, RATE_HZ)
    for sound in sounds:
        reply.feed(soxr.resample(sound, RATE_HZ, VOICE_RATE_HZ).tobytes(), VOICE_RATE_HZ, width=2, channels=1)
    reply.finish()
    return reply.read(0, reply.frames)


def _best_place(wanted: Wave, cone: Wave) -> int:
    size = 1 << (len(cone) + len(wanted)).bit_length()
    product = np.fft.irfft(np.fft.rfft(cone, size) * np.conj(np.fft.rfft(wanted, size)), size)
    return int(np.argmax(product[: len(cone)]))


def _is_in(piece: Wave, cone: Wave) -> bool:
    if len(cone) < len(piece):
        return False
    energies = np.convolve(cone**2, np.ones(len(piece)), "valid")
    matches = np.correlate(cone, piece, "valid")
    errors = energies - np.maximum(matches, 0.0) ** 2 / (piece @ piece + 1e-9)
    return bool((errors / (energies + 1e-9)).min() < _OTHER)


def _brief(entry: Entry) -> str:
    return f"run-{entry.data['start_stage']}" if entry.type == "run-pipeline" else entry.type


@asynccontextmanager
async def house(
    agent: Agent | None = None,
    texts: Mapping[str, Samples] | None = None,
    pipeline: PipelineRule | None = None,
    hub_rule: HubRule = _QUICK,
    limits: TimeLimits = _LIMITS,
    burst: BurstRule = _BURST,
    config: Config | None = None,
    stay_away: bool = False,
    state: Path | None = None,
    construct: Callable[..., Service] = Service,
) -> AsyncIterator[House]:
    """Everything running, the hub connected unless it is to stay away, the satellite idle and its canceller warm."""
    seen, room = Watcher(), make_room()
    service, card = make_service(config or quiet_config(), room, seen, limits, burst, state, construct)
    known = [(SPOKEN[name], trimmed(name)) for name in ("tts_lights_joe", "tts_lights_heart", "tts_stop_joe")]
    rule = replace(hub_rule, pipeline=pipeline or PipelineRule())
    replies = {REPLY_TEXT: REPLY, LONG_TEXT: LONG, **(texts or {})}
    async with MockStt(TemplateRecogniser(known).recognise) as stt, MockTts(replies) as tts:
        port = await service.start()
        hub = MockHub("127.0.0.1", port, stt.uri, tts.uri, agent or keyword_agent({}, LONG_TEXT), rule)
        hub.journal.listeners.append(lambda _: seen.note())
        place = House(service=service, hub=hub, stt=stt, tts=tts, room=room, card=card, seen=seen, port=port)
        try:
            if not stay_away:
                await hub.start()
                await place.until_ready()
                await place.until_frame(WARM_FRAMES)
            place.begin = room.end_frame
            yield place
        finally:
            await hub.stop()
            await service.stop()


def quiet_config() -> Config:
    """None of the house's network, a short silence ends what the user says, and nothing but speech is heard."""
    hub, silent = (
        Hub(host="127.0.0.1", port=0, announce=False),
        Sounds(**dict.fromkeys(set(Sounds.__struct_fields__) - {"start_up", "error"})),
    )
    return Config(hub=hub, sounds=silent, listening=Listening(silence_ms=_SILENCE_MS))


def make_service(
    config: Config,
    room: Room,
    seen: Watcher,
    limits: TimeLimits = _LIMITS,
    burst: BurstRule = _BURST,
    state: Path | None = None,
    construct: Callable[..., Service] = Service,
) -> tuple[Service, SimulatedCard]:
    """A daemon, in the time of the event loop that runs: virtual, or the machine's with the threads that it has in earnest."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, VirtualLoop):
        card = SimulatedCard(room, loop.clock)
        virtual = {"clock": loop.time, "audio": SteppedAudio, "wake_words": InlineWakeWords}
        service = construct(config, card.devices(), seen, **virtual, state=state)
    else:
        card = SimulatedCard(room, RealClock())
        service = construct(config, card.devices(), seen, state=state)
    conversation = service._conversation
    rule = replace(conversation.rule, limits=limits, burst=burst)
    service._conversation = replace(conversation, boot="test", rule=rule)
    return service, card


def undisturbed() -> Config:
    """The same, and nothing interrupts: a reply is not even ducked, for stories of how all of it is played."""
    return msgspec.structs.replace(quiet_config(), barge_in=BargeIn(allow=Allow.NONE))


def play(story: Coroutine[None, None, None]) -> None:
    """Runs a test's story, in virtual time."""
    run_virtually(story)


def play_live(story: Coroutine[None, None, None]) -> None:
    """Runs it in real time, with the real threads."""
    asyncio.run(story)


def make_room() -> Room:
    noise = np.random.default_rng(1).standard_normal(10 * RATE_HZ) * 10 ** (_NOISE_DBFS / 20)
    # a metre from the loudspeaker, half a metre from the user
    echo: Signal = np.zeros(48, np.float32)
    echo[-1] = 10 ** (_COUPLING_DB / 20)
    return Room(echo, np.ones(1, np.float32), noise.astype(np.float32))
