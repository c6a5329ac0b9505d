"""The door of the server: the rule of who may come in (`core/admission.py`), and what it has to know of the world."""

import asyncio
import logging
from collections.abc import Callable

from satellite.core.admission import FORGET_COMMAND, Admission, Refusal
from satellite.core.networks import Address, alone
from satellite.peer.pinned_name import PinnedName

_log = logging.getLogger(__name__)


class Door:
    """Asked by the server, on its event loop. `keep` is given the hub that is remembered from now on, or None."""

    def __init__(
        self,
        admission: Admission | None = None,
        name: PinnedName | None = None,
        keep: Callable[[Address | None], None] = lambda address: None,
    ) -> None:
        self._admission, self._name, self._keep = admission or Admission(), name, keep
        self.refused = 0
        """How often somebody was not let in, or sent away for what it wanted."""

    def start(self) -> None:
        """Begins to look for whom `hub.only` names."""
        if self._name is not None:
            self._name.start(self._found)

    async def stop(self) -> None:
        """Looks no more."""
        if self._name is not None:
            await self._name.stop()

    def connects(self, who: Address | None) -> Refusal | None:
        """Somebody has connected; why that is not wanted."""
        return self._counted(self._admission.connects(who, _now_s()))

    def asks(self, who: Address | None) -> Refusal | None:
        """Somebody who is not the hub says something; why that is too much."""
        return self._counted(self._admission.asks(who, _now_s()))

    def opens(self, who: Address | None, present: Address | None) -> Refusal | None:
        """Somebody wants to be the hub while one at `present` is; why that cannot be."""
        refusal = self._admission.opens(who, present)
        if refusal is not None and self._name is not None:
            # it may have another address by now, and will be back in a moment
            self._name.look_again()
        return self._counted(refusal)

    def opened(self, who: Address | None) -> None:
        """It is the hub."""
        if self._admission.opened(who):
            _log.info("hub.remember: the hub is %s from now on; `%s` ends that", who, FORGET_COMMAND)
            self._keep(who)

    def forget(self) -> Address | None:
        """No hub is remembered any more; who was."""
        forgotten = self._admission.forget()
        if forgotten is not None:
            _log.info("hub.remember: %s is forgotten; the next hub is remembered", forgotten)
            self._keep(None)
        return forgotten

    def _found(self, addresses: tuple[Address, ...]) -> None:
        self._admission.pinned = tuple(map(alone, addresses))

    def _counted(self, refusal: Refusal | None) -> Refusal | None:
        self.refused += refusal is not None
        return refusal


def _now_s() -> float:
    return asyncio.get_running_loop().time()
