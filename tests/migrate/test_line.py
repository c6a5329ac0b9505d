"""Units, scripts, files of docker compose and lines, as people have them."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satellite.errors import ConfigError
from satellite.migrate.line import line_of, line_of_words
from satellite.migrate.options import migrated

DATA = Path(__file__).parent / "data"


def _keys(name: str) -> dict[str, object]:
    return {each.key: each.value for each in migrated(line_of((DATA / name).read_text("utf-8"))).settings}


def test_the_plain_example_of_its_readme() -> None:
    """A script with a `cd` before it."""
    keys = _keys("plain.sh")
    assert (keys["name"], keys["wake.listen"], keys["audio.microphone"]) == ("my satellite", "always", "default")


def test_the_unit_of_its_tutorial() -> None:
    """A comment between two lines is nothing to systemd."""
    keys = _keys("2mic.service")
    assert keys["audio.microphone"] == keys["audio.speaker"] == "plughw:CARD=seeed2micvoicec,DEV=0"
    assert (keys["wake.uri"], keys["wake.words"]) == ("tcp://127.0.0.1:10400", ["ok_nabu"])
    assert keys["hooks.event_uri"] == "tcp://127.0.0.1:10500"
    assert keys["sounds.done"] == "/home/pi/wyoming-satellite/sounds/done.wav"


def test_a_file_of_docker_compose() -> None:
    """The service is found among the others."""
    keys = _keys("docker-compose.yml")
    assert (keys["audio.microphone"], keys["audio.auto_gain_db"], keys["audio.volume"]) == ("pipewire", 5.0, 55)
    assert any(each.option == "${CLIENT_NAME:-nobody}" for each in line_of((DATA / "docker-compose.yml").read_text()).tells)


def test_a_backslash_that_is_missing_is_told_of() -> None:
    """With the line that never counted, and what else is not known."""
    line = line_of((DATA / "broken.service").read_text("utf-8"))
    assert line.words[0] == "--name=Küche"
    told = {each.option: each.why for each in line.tells}
    assert "`--snd-command 'aplay -D plughw:1,0' --awake-wav sounds/awake.wav` is not part" in told["line 9"]
    assert {"EnvironmentFile", "$ROOM"} <= set(told)
    assert "--awake-wav" not in line.words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("'a b' c", ["a b", "c"]),
        ('"a \\"b\\"" \'it\\\'s\'', ['a "b"', "it's"]),
        ("--name='a b'", ["--name=a b"]),
        (r"a\sb \x41 \101 \u00e4 \q", ["a b", "A", "A", "ä", r"\q"]),
        ("50%% $$x", ["50%", "$x"]),
        ("a\tb  ''", ["a", "b", ""]),
        ("\\ud800 \\U00110000", ["\ufffd", "\ufffd"]),
    ],
)
def test_systemd_has_its_own_quotes(written: str, words: list[str]) -> None:
    """And escapes."""
    assert line_of(f"ExecStart=/x --y {written}").words == ("--y", *words)


@pytest.mark.parametrize(
    "program",
    [
        "script/run",
        "/home/pi/wyoming-satellite/script/run",
        "-@+/usr/bin/python3 -u -m wyoming_satellite",
        "/usr/bin/env bash /x/script/run",
        "docker run --rm --name wyoming-satellite --device /dev/snd rhasspy/wyoming-satellite:1.4.1",
    ],
)
def test_the_program_is_not_of_interest(program: str) -> None:
    """Only what is behind it."""
    assert line_of(f"ExecStart={program} --name a --vad").words == ("--name", "a", "--vad")


def test_a_shell_in_front_is_looked_into() -> None:
    """It was given the line as one word."""
    assert line_of("ExecStart=/bin/bash -c \"exec script/run --name 'a b' --vad\"").words == ("--name", "a b", "--vad")


def test_an_empty_command_takes_back_what_was_before() -> None:
    """And of several the satellite's is taken."""
    unit = "ExecStart=/a --mic-uri old\nExecStart=\nExecStart=/b --x\nExecStart=/c --mic-uri new\n"
    assert line_of(unit).words == ("--mic-uri", "new")
    with pytest.raises(ConfigError, match="empty"):
        line_of("ExecStart=/a --mic-uri old\nExecStart=\n")


def test_specifiers_and_environment_are_told_of() -> None:
    """Only systemd knows what it puts there."""
    line = line_of("Environment=XDG_RUNTIME_DIR=/run/user/1\nWorkingDirectory=%h\nExecStart=/a --awake-wav %h/x.wav")
    assert {each.option: each.lost for each in line.tells} == {"Environment": False, "%h": True}
    assert line.directory is None


def test_a_comment_ends_a_command_of_a_shell() -> None:
    """There the rest is another command, which failed."""
    line = line_of("script/run --mic-uri x \\\n  # --vad \\\n  --area y # why\n")
    assert line.words == ("--mic-uri", "x")
    assert [each.option for each in line.tells] == ["line 3"]


def test_a_line_that_lost_its_microphone_says_where() -> None:
    """A comment behind a backslash ends the command, and nobody sees why."""
    with pytest.raises(ConfigError, match=r"neither --mic-command(.|\n)*line 3: `--mic-command x` is not part"):
        migrated(line_of("[Service]\nExecStart=script/run --name Kitchen \\ # big\n  --mic-command x\n"))


def test_a_space_behind_a_backslash_ends_the_command() -> None:
    """Nobody sees it."""
    line = line_of("[Service]\nExecStart=/a --mic-uri x \\ \n  --vad\n")
    assert any(each.option == "line 3" and "--vad" in each.why for each in line.tells)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ExecStart=/a --name 'x", "a quote ' has no end"),
        ("script/run --mic-uri 'x", "taken apart"),
        ("hello", "no command line"),
        ("", "no command line"),
        ("services:\n  a:\n    command: --preload-model x\n", "none of its services"),
        ('ExecStart=sh -c "a --mic-uri \'x"', "taken apart"),
    ],
)
def test_what_is_no_line_is_a_mistake_of_the_operator(text: str, said: str) -> None:
    """He gave us another file."""
    with pytest.raises(ConfigError, match=said):
        migrated(line_of(text))


def test_a_word_that_is_a_shells_is_not_split_again() -> None:
    """It has been by the shell that we were started from."""
    assert line_of_words(["script/run", "--name", "it's"]).words == ("--name", "it's")


@given(st.text() | st.text(alphabet="\\'\"$%{}#; =\n-ax[]:").map("ExecStart=".__add__))
def test_no_text_is_too_much(text: str) -> None:
    """It is a line, or a mistake of the operator."""
    with contextlib.suppress(ConfigError):
        migrated(line_of(text))
