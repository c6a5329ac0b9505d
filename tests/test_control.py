"""The control socket, by real sockets; and what the commands do to a satellite."""

import asyncio
import json
import logging
import socket
import stat
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from satellite.cli import main
from satellite.commands import commands_of
from satellite.control import Command, ControlServer, ask, default_path
from satellite.core import actions as act
from satellite.core.say import SayState
from satellite.core.state import State
from satellite.desk import Desk
from satellite.errors import SatelliteError
from satellite.memory import MemoryFile
from satellite.mock.agent import keyword_agent
from satellite.mock.recordings import COMMAND
from tests.service.house import REPLY, REPLY_TEXT, Place, as_played, house, play, undisturbed
from tests.standalone.home import home

_Asked = list[Mapping[str, Any]]


def _commands(asked: _Asked) -> dict[str, Command]:
    def note(request: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(request)
        return {"state": "idle"}

    def refuse(request: Mapping[str, Any]) -> Mapping[str, Any]:
        raise SatelliteError("nobody would hear you")

    return {"status": note, "listen": refuse, "say": note}


def _with_server(tmp_path: Path, story: Callable[[Path, _Asked], Coroutine[None, None, None]]) -> None:
    async def run() -> None:
        asked: _Asked = []
        path = tmp_path / "control"
        server = ControlServer(path, _commands(asked))
        await server.start()
        try:
            async with asyncio.timeout(10.0):
                await story(path, asked)
        finally:
            await server.stop()
        assert not path.exists()

    asyncio.run(run())


def test_a_command_is_carried_out_and_answered(tmp_path: Path) -> None:
    """With what came with it; the socket is its owner's alone."""

    async def story(path: Path, asked: _Asked) -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        answer = await asyncio.to_thread(ask, path, {"command": "say", "text": "tea?"})
        assert answer == {"state": "idle"} and asked == [{"command": "say", "text": "tea?"}]

    _with_server(tmp_path, story)


def test_what_cannot_be_done_is_told(tmp_path: Path) -> None:
    """In the words of who refuses it."""

    async def story(path: Path, asked: _Asked) -> None:
        with pytest.raises(SatelliteError, match="nobody would hear you"):
            await asyncio.to_thread(ask, path, {"command": "listen"})
        with pytest.raises(SatelliteError, match="a command is one of status, listen, say"):
            await asyncio.to_thread(ask, path, {"command": "explode"})
        assert asked == []

    _with_server(tmp_path, story)


@pytest.mark.parametrize(
    "line",
    [b"no json\n", b"[]\n", b"5\n", b'{"command": []}\n', b'{"command": {}}\n', b"\xff\xfe\n", b"[" * 60_000 + b"\n", b"\n"],
)
def test_nonsense_is_answered_and_harms_nobody(tmp_path: Path, line: bytes) -> None:
    """The next command works."""

    async def story(path: Path, asked: _Asked) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(line)
        assert json.loads(await reader.readline())["ok"] is False
        writer.close()
        await asyncio.to_thread(ask, path, {"command": "status"})
        assert len(asked) == 1

    _with_server(tmp_path, story)


def test_a_line_without_end_is_given_up(tmp_path: Path) -> None:
    """Before it fills the memory."""

    async def story(path: Path, asked: _Asked) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"x" * 200_000)
        # what it had not read makes the end a hard one
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()

    _with_server(tmp_path, story)


def test_what_a_predecessor_left_is_replaced(tmp_path: Path) -> None:
    """It was killed before it could tidy up."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control"))

    async def story(path: Path, asked: _Asked) -> None:
        await asyncio.to_thread(ask, path, {"command": "status"})
        assert len(asked) == 1

    _with_server(tmp_path, story)


def test_without_a_place_for_it_the_satellite_works_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A warning says why."""

    async def story() -> None:
        server = ControlServer(tmp_path / "missing" / "control", {})
        await server.start()
        await server.stop()

    asyncio.run(story())
    assert [r.levelno for r in caplog.records] == [logging.WARNING] and "No such file" in caplog.text


def test_where_it_is() -> None:
    """The service's directory counts more than the user's."""
    assert default_path({"RUNTIME_DIRECTORY": "/run/satellite", "XDG_RUNTIME_DIR": "/run/user/5"}) == Path(
        "/run/satellite/control"
    )
    assert default_path({"XDG_RUNTIME_DIR": "/run/user/5"}) == Path("/run/user/5/satellite-control")
    assert default_path({}) is None


def test_the_command_line_says_what_came_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Or why not, with code 1."""

    async def story(path: Path, asked: _Asked) -> None:
        arguments = ["ctl", "--socket", str(path)]
        assert await asyncio.to_thread(main, [*arguments, "status"]) == 0
        assert capsys.readouterr().out == "state: idle\n"
        assert await asyncio.to_thread(main, [*arguments, "--announcement", "say", "Dinner!"]) == 0
        assert (asked[-1]["text"], asked[-1]["announcement"]) == ("Dinner!", True)
        assert await asyncio.to_thread(main, [*arguments, "listen"]) == 1
        assert "nobody would hear you" in capsys.readouterr().err
        for wrong in (["say"], ["stop", "text"]):
            assert await asyncio.to_thread(main, [*arguments, *wrong]) == 1
            assert "a text goes with say, a number with volume" in capsys.readouterr().err

    _with_server(tmp_path, story)
    assert main(["ctl", "--socket", str(tmp_path / "nobody"), "status"]) == 1
    assert "no satellite at" in capsys.readouterr().err


# ---- what they do


def _of(place: Place) -> Mapping[str, Command]:
    return commands_of(Desk(place.service, place.service.config, MemoryFile(None)))


def test_a_button_opens_a_turn_and_ends_an_answer() -> None:
    """As a wake word and a stop word would."""

    async def story() -> None:
        async with home(keyword_agent({"lights": f"{REPLY_TEXT} And more."})) as place:
            commands = _of(place)
            assert commands["status"]({}) == {
                **{"state": "idle", "mode": "standalone", "volume": 100, "muted": False},
                **{"barge_in": "speech", "sensitivity": "normal", "timers": "", "saying": ""},
                "microphone": "default: working, 16000 Hz, lost 0 times, 0 overruns",
                "speaker": "default: working, 16000 Hz, lost 0 times, 0 underruns",
                "audio_late": 0,
            }
            assert commands["listen"]({}) == {"state": "listening"}
            place.say("tts_lights_heart", after_s=0.2)
            await place.until_played(0.3)
            assert place.questions() == [COMMAND]
            assert commands["status"]({})["saying"].startswith(REPLY_TEXT)
            assert commands["stop"]({}) == {"state": "idle"}
            assert [over.state for over in place.seen.of(act.SayOver)] == [SayState.CANCELLED]

    play(story())


def test_a_script_has_something_said() -> None:
    """In the voice that is configured; what cannot be is refused."""

    async def story() -> None:
        async with home() as place:
            commands = _of(place)
            commands["say"]({"text": REPLY_TEXT, "announcement": True})
            await place.until_over()
            assert place.has_played(as_played(REPLY), place.begin)
            for text in ("", " ", None, 5, "x" * 20_000):
                with pytest.raises(ValueError, match="1 to 10000 characters"):
                    commands["say"]({"text": text})

    play(story())


def test_all_that_is_played_is_as_loud_as_one_wishes() -> None:
    """From the next period on, without a click, and over the middle of a sentence."""

    async def story() -> None:
        async with home(config=undisturbed()) as place:
            commands = _of(place)
            assert commands["volume"]({"volume": 50}) == {"volume": 50}
            commands["say"]({"text": REPLY_TEXT})
            await place.until_over()
            assert place.has_sounded_like(as_played(REPLY) * 0.25, place.begin)
            for wanted in (-1, 101, "loud", 5.5, True, None):
                with pytest.raises(ValueError, match="a whole number from 0 to 100"):
                    commands["volume"]({"volume": wanted})

    play(story())


def test_nobody_is_asked_to_speak_to_nobody() -> None:
    """Without a hub a turn leads nowhere."""

    async def story() -> None:
        async with house(stay_away=True) as place:
            commands = _of(place)
            with pytest.raises(SatelliteError, match="offline: nobody would hear you"):
                commands["listen"]({})
            assert place.service.state is State.OFFLINE

    play(story())


def test_a_muted_microphone_hears_nobody_until_it_is_on_again() -> None:
    """What is announced is heard all the same; nobody is asked to speak to a microphone that is off."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT)) as place:
            commands = _of(place)
            assert commands["mute"]({}) == {"muted": True}
            with pytest.raises(SatelliteError, match="muted: nobody would hear you"):
                commands["listen"]({})
            place.say("tts_lights_heart")
            await place.hub.announce(REPLY_TEXT)
            await place.until_over()
            heard = b"".join(place.seen.heard.values())
            assert place.has_sounded_like(REPLY, place.begin) and max(heard[-32_000:]) == 0
            assert commands["unmute"]({}) == {"muted": False}
            await place.works()

    play(story())


def test_whoever_is_muted_while_he_speaks_is_not_understood() -> None:
    """The turn is over, and nothing more of it is sent."""

    async def story() -> None:
        async with house(keyword_agent({}, REPLY_TEXT)) as place:
            commands = _of(place)
            place.wake()
            await place.until_state(State.LISTENING)
            commands["mute"]({})
            assert place.service.state is State.IDLE

    play(story())


def test_a_conversation_is_begun_from_outside() -> None:
    """Something is said, and the user answers without a wake word."""

    async def story() -> None:
        async with home(keyword_agent({"lights": REPLY_TEXT})) as place:
            _of(place)["say"]({"text": REPLY_TEXT, "listen": True})
            await place.until_state(State.SPEAKING)
            await place.until_state(State.LISTENING)
            place.say("tts_lights_heart", after_s=0.2)
            await place.until_state(State.SPEAKING)
            assert place.questions() == [COMMAND]

    play(story())
