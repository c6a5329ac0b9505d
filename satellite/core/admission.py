"""Who may connect, who may ask, and who may be the hub. Wyoming knows no passwords: addresses are all there is to go by.

Strangers within `allow` may ask who we are, so that a hub can discover us, and no more. Of those one may be the hub: whom
`only` names, if it does; the first that ever was, if that is remembered; and otherwise whoever comes first, for as long as it
stays. At its own address a hub may always begin anew: its old connection may be dead without anybody having noticed.
"""

from collections.abc import Hashable
from dataclasses import dataclass

from satellite.core.bucket import TokenBucket, TokenBuckets
from satellite.core.networks import PRIVATE_NETWORKS, Address, Network, is_in

FORGET_COMMAND = "satellite ctl forget-hub"


@dataclass(frozen=True, slots=True)
class AdmissionRule:
    """What the operator says, and how much is too much."""

    allow: tuple[Network, ...] = PRIVATE_NETWORKS
    only: str | None = None
    """As it is written: an address, a network or a host's name. Where that is, `Admission.pinned` has to be told."""
    remembers: bool = False
    # Home Assistant connects twice a minute, and every 3 s while it is refused; thirty of a house that starts at once
    connects_hz: float = 2.0
    connects_burst: int = 30
    # from all sides, but for hubs that are known
    all_connects_hz: float = 20.0
    all_connects_burst: int = 60
    # two or three events find out all there is
    asks_hz: float = 5.0
    asks_burst: int = 60
    # a house has fewer addresses
    most_addresses: int = 256


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not."""

    key: str
    """Of the configuration, or what else it is about: told once of each address."""
    why: str


class Admission:
    """Decides, and keeps in mind who was here."""

    def __init__(
        self, rule: AdmissionRule | None = None, pinned: tuple[Network, ...] = (), remembered: Address | None = None
    ) -> None:
        self.rule = rule or AdmissionRule()
        self.pinned = pinned
        """Where `only` is; nowhere while that is not known."""
        self.remembered = remembered
        """The first hub, if it is to be remembered and there has been one."""
        self._last: Address | None = None
        limits = self.rule
        self._connects = TokenBuckets(limits.connects_hz, limits.connects_burst, limits.most_addresses)
        self._all_connects = TokenBucket(limits.all_connects_hz, limits.all_connects_burst)
        self._asks = TokenBuckets(limits.asks_hz, limits.asks_burst, limits.most_addresses)

    def connects(self, who: Address | None, at_s: float) -> Refusal | None:
        """Somebody is at the door."""
        if who is None or not is_in(who, self.rule.allow):
            return Refusal("hub.allow", "hub.allow has no such address; add it, or its network, if that is your hub")
        if not self._connects.take(who, at_s):
            return Refusal("connects", f"it connects more than {self.rule.connects_hz:g} times a second")
        # whoever shuts the door by knocking must not shut the hub out
        if not self._is_known(who) and not self._all_connects.take(at_s):
            return Refusal("connects", f"more than {self.rule.all_connects_hz:g} connections a second come from all sides")
        return None

    def asks(self, who: Address | None, at_s: float) -> Refusal | None:
        """Somebody who is not the hub says something."""
        if not self._asks.take(who, at_s):
            return Refusal("asks", f"it asks more than {self.rule.asks_hz:g} times a second")
        return None

    def opens(self, who: Address | None, present: Address | None) -> Refusal | None:
        """Somebody wants to be the hub, while one at `present` is, or nobody. A hub that is dead is not present any more."""
        rule = self.rule
        if rule.only is not None and (who is None or not is_in(who, self.pinned)):
            unknown = "" if self.pinned else ", whose address is not known"
            return Refusal("hub.only", f"only {rule.only} may be the hub (hub.only){unknown}")
        if rule.remembers and self.remembered not in (None, who):
            return Refusal(
                "hub.remember",
                f"{self.remembered} is the hub that is remembered (hub.remember); if this is yours now: {FORGET_COMMAND}",
            )
        if present not in (None, who):
            return Refusal("hub", f"the hub at {present} is here, and was first; name yours under hub.only if this is it")
        return None

    def opened(self, who: Address | None) -> bool:
        """It is the hub from now on; whether it is to be remembered, which it was not before."""
        self._last = who
        if not self.rule.remembers or self.remembered is not None or who is None:
            return False
        self.remembered = who
        return True

    def forget(self) -> Address | None:
        """The next hub is the first again; whom that concerns."""
        forgotten, self.remembered, self._last = self.remembered, None, None
        return forgotten

    def _is_known(self, who: Address) -> bool:
        return who in (self._last, self.remembered) or is_in(who, self.pinned)


class Blame:
    """What is news about whom: once each, and not much of it from people who change their address."""

    # a house has fewer who misbehave
    MOST = 64
    # a liar with a thousand addresses is worth a dozen lines, and then one a minute
    BURST = 12
    RATE_HZ = 1 / 60

    def __init__(self) -> None:
        self._blamed: dict[Hashable, None] = {}
        self._lines = TokenBucket(self.RATE_HZ, self.BURST)

    def is_news(self, who: Hashable, what: str, at_s: float) -> bool:
        """Whether the operator has not been told of it yet, and is to be."""
        if (who, what) in self._blamed or not self._lines.take(at_s):
            return False
        self._blamed[who, what] = None
        if len(self._blamed) > self.MOST:
            del self._blamed[next(iter(self._blamed))]
        return True
