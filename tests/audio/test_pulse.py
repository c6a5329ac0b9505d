"""PulseAudio's client library as we use it."""

from pathlib import Path

from satellite.audio.pulse import share_no_memory


def test_the_library_is_told_to_share_no_memory_unless_somebody_has_told_it_otherwise() -> None:
    """What the machine's own settings say holds, but for that."""
    environ: dict[str, str] = {}
    share_no_memory(environ)
    lines = Path(environ["PULSE_CLIENTCONFIG"]).read_text("utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == [".include /etc/pulse/client.conf", "enable-shm = no"]
    theirs = {"PULSE_CLIENTCONFIG": "/home/me/client.conf"}
    share_no_memory(theirs)
    assert theirs == {"PULSE_CLIENTCONFIG": "/home/me/client.conf"}
