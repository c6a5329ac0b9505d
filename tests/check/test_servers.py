"""`satellite check` without a hub: who answers, who does not, and who is somebody else."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from satellite.check.servers import check_servers
from satellite.config import Config, Dialog, Mode, Stt, Tts
from satellite.mock.agent import keyword_agent
from satellite.mock.dialog import MockDialog
from satellite.mock.stt import MockStt
from satellite.mock.tts import MockTts
from tests.standalone.faults import nobody


@contextmanager
def _servers() -> Iterator[dict[str, str]]:
    """One of each kind, in a thread with a loop of its own, as they would be in other processes."""
    ready, over, uris = Event(), Event(), dict[str, str]()

    async def serve() -> None:
        async with MockStt(lambda samples: "") as stt, MockDialog(keyword_agent({}), streams=True) as dialog, MockTts({}) as tts:
            uris.update(stt=stt.uri, dialog=dialog.uri, tts=tts.uri)
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield uris
    finally:
        over.set()
        thread.join()


def _config(uris: dict[str, str], **other: str | tuple[str, ...]) -> Config:
    uri = {**uris, **other}
    stt, dialog, tts = Stt(uri=uri["stt"]), Dialog(uri=uri["dialog"]), Tts(uri=uri["tts"])
    return Config(mode=Mode.STANDALONE, stt=stt, dialog=dialog, tts=tts)


def test_servers_that_answer_are_named_and_nothing_is_found() -> None:
    """A line each, with what it can do."""
    lines: list[str] = []
    with _servers() as uris:
        assert check_servers(_config(uris), lines.append) == []
        assert lines == [
            f"Speech-to-text: {uris['stt']}: mock-stt is here.",
            f"Dialog: {uris['dialog']}: mock-dialog is here, streaming.",
            f"Text-to-speech: {uris['tts']}: mock-tts is here.",
        ]


def test_one_of_several_that_is_away_is_good_to_know() -> None:
    """The other one is asked instead."""
    with _servers() as uris:
        away = nobody()
        (found,) = check_servers(_config(uris, tts=(away, uris["tts"])), lambda line: None)
        assert not found.is_problem and str(found) == f"The text-to-speech server {away}: no connection: Connection refused."


@pytest.mark.parametrize("kind", ["stt", "dialog", "tts"])
def test_without_one_of_a_kind_there_is_no_conversation(kind: str) -> None:
    """The key to be mended is told."""
    with _servers() as uris:
        other = uris["stt" if kind != "stt" else "tts"]
        found = check_servers(_config(uris, **{kind: other}), lambda line: None)
        assert [finding.is_problem for finding in found] == [False, True]
        assert "it is a server of another kind" in str(found[0]) and f"mend {kind}.uri" in str(found[1])


def test_beside_a_hub_nobody_is_asked() -> None:
    """It comes to us."""
    assert check_servers(Config(), lambda line: None) == []
