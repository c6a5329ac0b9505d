"""A voice satellite that can be interrupted."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from satellite.handle import Playout, SayHandle
    from satellite.session import SessionState, Vad, VoiceSession

__version__ = "0.1.0"

__all__ = ["Playout", "SayHandle", "SessionState", "Vad", "VoiceSession"]

_HOMES = {"Playout": "handle", "SayHandle": "handle", "SessionState": "session", "Vad": "session", "VoiceSession": "session"}


def __getattr__(name: str) -> Any:
    """The session for programs, imported when it is needed: the command line and its help start without it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"satellite.{_HOMES[name]}"), name)
