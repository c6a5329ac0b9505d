"""PulseAudio's client library, which ALSA's device `pulse` goes through, and `default` where a sound server runs."""

from collections.abc import MutableMapping
from pathlib import Path

_CLIENT_CONF = Path(__file__).with_name("pulse-client.conf")


def share_no_memory(environ: MutableMapping[str, str]) -> None:
    """Has the library use a pipe instead of shared memory, in which it hangs when its server dies. Before it is loaded."""
    environ.setdefault("PULSE_CLIENTCONFIG", str(_CLIENT_CONF))
