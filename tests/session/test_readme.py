"""The README's example is run as it stands, but for its addresses and the sound card; its configuration is read."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from satellite.config import Mode, load_config
from satellite.mock.agent import keyword_agent
from satellite.mock.dialog import MockDialog
from satellite.mock.stt import MockStt
from satellite.mock.tts import MockTts
from tests.service.house import play_live

_TEXT = (Path(__file__).parents[2] / "README.md").read_text("utf-8")

# what it takes, in several starts of Python on a busy machine
_SOON_S = 60.0


def _example(**uris: str) -> str:
    found = re.search(r"<!-- example: begin -->\n```python\n(.*?)```\n<!-- example: end -->", _TEXT, re.DOTALL)
    assert found is not None, "the README has lost its example"
    code = found[1]
    for kind, uri in uris.items():
        code, count = re.subn(rf'"{kind}": "tcp://[^"]+"', f'"{kind}": "{uri}"', code)
        assert count == 1
    assert code.count("VoiceSession(**servers)") == 1
    return code.replace("VoiceSession(**servers)", "VoiceSession(**servers, microphone=None, speaker=None)")


def test_the_example_runs() -> None:
    """In a process of its own; it prints what the README says it does."""

    async def story() -> None:
        async with (
            MockStt(lambda samples: "") as stt,
            MockDialog(keyword_agent({})) as dialog,
            MockTts({}) as tts,
        ):
            code = _example(stt=stt.uri, dialog=dialog.uri, tts=tts.uri)
            printed = await _run(code)
            assert "idle -> speaking: asked to say something" in printed
            assert "cancelled" in printed.splitlines()
            assert tts.spoken[0][0] == "Hello, how can I help you today?"

    play_live(story())


async def _run(code: str) -> str:
    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code]
        return subprocess.run(command, capture_output=True, text=True, timeout=_SOON_S, env=dict(os.environ), check=False)

    done = await asyncio.to_thread(run)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_configuration_without_home_assistant_is_one(tmp_path: Path) -> None:
    """Every key of it is known, and the satellite is what it says."""
    blocks = [block for block in re.findall(r"```yaml\n(.*?)```", _TEXT, re.DOTALL) if "mode: standalone" in block]
    assert len(blocks) == 1
    path = tmp_path / "config.yaml"
    path.write_text(blocks[0])
    config = load_config(path, {})
    assert config.mode is Mode.STANDALONE and len(config.stt.uris) == 2 and config.tts.is_discovered


@pytest.mark.parametrize("name", ["VoiceSession", "SayHandle", "Playout", "SessionState", "Vad"])
def test_what_the_package_exports_is_there(name: str) -> None:
    """Without being imported before it is needed."""
    import satellite

    assert getattr(satellite, name).__name__ == name


def test_what_the_package_does_not_export_is_told_as_usual() -> None:
    """Not with a riddle."""
    import satellite

    with pytest.raises(AttributeError, match="module 'satellite' has no attribute 'nothing'"):
        _ = satellite.nothing


def test_the_command_line_starts_without_the_session() -> None:
    """It would bring all of the daemon with it."""
    code = "import sys, satellite, satellite.cli; sys.exit('satellite.session' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
