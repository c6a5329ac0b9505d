"""What every test of the daemon is held to here, too."""

from tests.service.conftest import no_surprises

__all__ = ["no_surprises"]
