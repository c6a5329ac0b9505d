"""Names of ALSA devices that last. The number of a card is that of its place in a queue, and another after the next plug."""

import re
from pathlib import Path

from satellite.audio.holders import PROC

# hw:1 or plughw:1,0
_BY_NUMBER = re.compile(r"(?P<kind>(?:plug)?hw):(?P<card>\d+)(?:,(?P<device>\d+))?")


def is_by_number(name: str) -> bool:
    """Whether it names a card by its number."""
    return _BY_NUMBER.fullmatch(name) is not None


def stable_name(name: str, proc: Path = PROC) -> str | None:
    """The same device by the name of its card; None if there is no such card now, or it is named otherwise."""
    if (numbered := _BY_NUMBER.fullmatch(name)) is None:
        return None
    try:
        card = (proc / "asound" / f"card{numbered['card']}" / "id").read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return f"{numbered['kind']}:CARD={card},DEV={numbered['device'] or 0}"
