"""Whether we were started before since the machine was switched on: after a crash at night nobody wants to hear of it."""

import logging
from collections.abc import Mapping
from pathlib import Path

_log = logging.getLogger(__name__)


def is_first_start(environ: Mapping[str, str]) -> bool:
    """Leaves a mark in systemd's runtime directory, which is kept until the machine is switched off. True without one."""
    given = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if not given:
        return True
    mark = Path(given) / "started"
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    except OSError as error:
        _log.warning("cannot leave a mark of this start: %s: %s", mark, error.strerror)
    return True
