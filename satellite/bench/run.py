"""Plays a scene once: under the daemon's rule, or with a satellite that plays on whatever is heard."""

from collections.abc import Callable
from dataclasses import dataclass

from satellite.bench.scene import Kind
from satellite.bench.setting import Setting
from satellite.bench.stage import Stage, command_s
from satellite.core.conversation import ConversationRule
from satellite.core.say import Allow
from satellite.core.sensitivity import PROFILES, Profile, Sensitivity
from satellite.core.state import State
from satellite.core.units import RATE_HZ, frames
from satellite.simulate.room import Room, Said

# between two replies: the room's tail, and a satellite that listened for nothing is idle again
_PAUSE_FRAMES = frames(1000)
# a hold ends within so long
_LONGEST_HOLD_FRAMES = frames(3500)
# a television that was on before the reply has been on for longer than this
_ALREADY_ON_S = 10.0
# after the user's last sound: a burst is judged, and a reply that goes on can be heard again
_AFTERMATH_FRAMES = frames(1800)
# after his first sound: whoever has not stopped the reply by then has missed him
_MISSED_FRAMES = frames(2200)
# after a commit, in which a stale sample would sound
_STALE_FRAMES = frames(300)


@dataclass(frozen=True, slots=True)
class Run:
    """What is left of it. Frames are those of the room, which are the microphone's too."""

    setting: Setting
    stage: Stage
    room: Room
    plays: tuple[int, ...]
    """When each reply was asked for."""
    said: Said | None
    end: int

    @property
    def onset(self) -> int | None:
        return None if self.said is None else self.said.onset_frame


def run(
    setting: Setting,
    allow: Allow,
    plays: tuple[int, ...] = (),
    on_step: Callable[[Stage], None] | None = None,
    profile: Profile = PROFILES[Sensitivity.NORMAL],
) -> Run:
    """Plays it from the satellite's start on; the replies when it can, or when they were played before."""
    room, card, clock = setting.open()
    stage = Stage(room, card, clock, allow, on_step, profile.reflex, ConversationRule(burst=profile.burst))
    stage.warm_up(setting.scene.warm_up)
    if setting.scene.noise is not None:
        stage.let_pass(_ALREADY_ON_S)
    asked: list[int] = []
    said = None
    for number, reply in enumerate(setting.replies):
        is_last = number + 1 == len(setting.replies)
        is_answer = is_last and setting.scene.is_answer
        asked.append(_get_ready(stage, setting, is_answer, plays[number] if plays else None))
        if number == setting.first_counted:
            _change_paths(setting, room)
        if is_last:
            said = _say(setting, room)
        begin = stage.answer if is_answer else stage.play
        begin(reply)
        if not is_last:
            stage.live_until(room.end_frame + len(reply))
    _last_act(setting, stage, said)
    return Run(setting, stage, room, tuple(asked), said, room.end_frame)


def _get_ready(stage: Stage, setting: Setting, is_answer: bool, play: int | None) -> int:
    """Lives until the next reply is to begin, after a command if it is an answer; the frame at which it does."""
    words = setting.words if is_answer else None
    before = 0 if words is None else round(command_s(words) * RATE_HZ)
    _let_finish(stage, stage.room.end_frame + _PAUSE_FRAMES if play is None else play - before)
    if words is not None:
        stage.command(words, setting.gain_db(stage.room))
    return stage.room.end_frame


def _let_finish(stage: Stage, until: int) -> None:
    stage.live_until(until)
    latest = stage.room.end_frame + _LONGEST_HOLD_FRAMES
    while stage.is_speaking and stage.room.end_frame < latest:
        stage.step()
    stage.hush()


def _change_paths(setting: Setting, room: Room) -> None:
    begin = setting.starts_at(room.end_frame)
    now_db, is_other = 0.0, False
    for into_s, gain_db in setting.scene.path_changes:
        at = begin + round(into_s * RATE_HZ)
        if gain_db is None:
            # a room's path comes with its own gain
            is_other, now_db = not is_other, 0.0
            room.change_path(at, ir=setting.other_echo_ir if is_other else setting.echo_ir)
        else:
            # gains of the room add up
            room.change_path(at, gain_db - now_db)
            now_db = gain_db


def _say(setting: Setting, room: Room) -> Said | None:
    if setting.words is None:
        return None
    at = setting.starts_at(room.end_frame) + round(setting.into_s * RATE_HZ)
    return room.say(setting.words, at, setting.gain_db(room))


def _last_act(setting: Setting, stage: Stage, said: Said | None) -> None:
    if said is None:
        stage.live_until(stage.room.end_frame + len(setting.replies[-1]) + _PAUSE_FRAMES // 2)
        return
    until = max(said.end_frame + _AFTERMATH_FRAMES, said.onset_frame + _MISSED_FRAMES)
    stage.live_until(said.onset_frame)
    committed = None
    while stage.room.end_frame < until:
        stage.step()
        if stage.state is State.LISTENING:
            committed = committed or stage.room.end_frame
            if stage.room.end_frame >= committed + _STALE_FRAMES and setting.scene.kind is not Kind.ECHO:
                return
