"""Who may connect, ask, and be the hub: by tables."""

from ipaddress import IPv4Address

import pytest

from satellite.core.admission import FORGET_COMMAND, Admission, AdmissionRule, Blame, Refusal
from satellite.core.networks import Address, address, networks

A, B, FAR = (IPv4Address(text) for text in ("192.168.1.10", "192.168.1.20", "203.0.113.7"))


def _key(refusal: Refusal | None) -> str | None:
    return refusal and refusal.key


@pytest.mark.parametrize(
    ("only", "remembered", "who", "present", "key"),
    [
        # whoever comes first
        (None, None, A, None, None),
        (None, None, None, None, None),
        # at its own address it may always begin anew, and nowhere else while it is there
        (None, None, A, A, None),
        (None, None, B, A, "hub"),
        # one that is pinned, and it alone
        ("192.168.1.10", None, A, None, None),
        ("192.168.1.10", None, B, None, "hub.only"),
        ("192.168.1.10", None, None, None, "hub.only"),
        ("192.168.1.0/24", None, B, None, None),
        ("192.168.1.0/24", None, B, A, "hub"),
        # one that is remembered
        (None, A, A, None, None),
        (None, A, B, None, "hub.remember"),
        (None, A, B, B, "hub.remember"),
        # one that is pinned and another one that is remembered
        ("192.168.1.20", A, B, None, "hub.remember"),
    ],
)
def test_who_may_be_the_hub(
    only: str | None, remembered: Address | None, who: Address | None, present: Address | None, key: str | None
) -> None:
    """By address, pin, memory, and who is there."""
    rule = AdmissionRule(only=only, remembers=remembered is not None)
    admission = Admission(rule, networks(only) if only else (), remembered)
    assert _key(admission.opens(who, present)) == key


def test_a_name_without_an_address_is_nobody() -> None:
    """Closed, when it is not known for whom to open."""
    admission = Admission(AdmissionRule(only="hub.lan"))
    refusal = admission.opens(A, None)
    assert refusal is not None and "hub.lan" in refusal.why and "not known" in refusal.why
    admission.pinned = networks("192.168.1.10")
    assert admission.opens(A, None) is None and admission.opens(B, None) is not None


def test_who_is_remembered_is_not_asked_for_if_that_is_off() -> None:
    """A file that is left from when it was on counts for nothing."""
    assert Admission(AdmissionRule(), remembered=A).opens(B, None) is None


def test_the_first_is_remembered_once() -> None:
    """Until it is forgotten; and the refusal says how."""
    admission = Admission(AdmissionRule(remembers=True))
    assert [admission.opened(A), admission.opened(A)] == [True, False]
    refusal = admission.opens(B, None)
    assert refusal is not None and FORGET_COMMAND in refusal.why and str(A) in refusal.why
    assert admission.forget() == A and admission.forget() is None
    assert admission.opened(B)
    assert not Admission().opened(A)


@pytest.mark.parametrize(
    ("allow", "who", "key"),
    [
        ("private", A, None),
        ("private", FAR, "hub.allow"),
        ("private", None, "hub.allow"),
        ("private", address("::ffff:203.0.113.7"), "hub.allow"),
        ("203.0.113.0/24", FAR, None),
        ("203.0.113.0/24", A, "hub.allow"),
    ],
)
def test_who_may_connect(allow: str, who: Address | None, key: str | None) -> None:
    """Whose address is on the list."""
    assert _key(Admission(AdmissionRule(allow=networks(allow))).connects(who, 0.0)) == key


def test_nobody_connects_without_end() -> None:
    """The one who does is refused, and others are not."""
    admission = Admission(AdmissionRule(connects_hz=1.0, connects_burst=3))
    assert [_key(admission.connects(A, 0.0)) for _ in range(4)] == [None, None, None, "connects"]
    assert admission.connects(B, 0.0) is None
    assert admission.connects(A, 1.0) is None


def test_a_crowd_does_not_shut_out_hubs_that_are_known() -> None:
    """One that was the hub, one that is pinned, one that is remembered: each has its own bucket and not that of all."""
    last, pinned, kept = (IPv4Address(f"192.168.1.{n}") for n in (1, 2, 3))
    rule = AdmissionRule(only=str(pinned), remembers=True, all_connects_hz=1.0, all_connects_burst=3)
    admission = Admission(rule, networks(str(pinned)), kept)
    admission.opened(last)
    crowd = [IPv4Address(f"10.0.0.{n}") for n in range(1, 6)]
    assert [_key(admission.connects(who, 0.0)) for who in crowd] == [None, None, None, "connects", "connects"]
    assert [admission.connects(who, 0.0) for who in (last, pinned, kept)] == [None, None, None]
    assert admission.connects(crowd[0], 1.0) is None


def test_nobody_asks_without_end() -> None:
    """By address: another connection does not help."""
    admission = Admission(AdmissionRule(asks_hz=1.0, asks_burst=2))
    assert [_key(admission.asks(A, at)) for at in (0.0, 0.0, 0.0, 1.0)] == [None, None, "asks", None]
    assert admission.asks(B, 0.0) is None


def test_news_is_what_has_not_been_told() -> None:
    """Of each address each thing once."""
    blame = Blame()
    told = [blame.is_news(who, what, 0.0) for who, what in [(A, "x"), (A, "x"), (A, "y"), (B, "x")]]
    assert told == [True, False, True, True]


def test_a_liar_with_a_thousand_addresses_fills_neither_log_nor_memory() -> None:
    """A dozen lines, and then one a minute; what was told longest ago is forgotten."""
    blame = Blame()
    told = sum(blame.is_news(n, "x", 0.0) for n in range(1000))
    assert told == Blame.BURST
    for minute in range(1, 200):
        assert blame.is_news(1000 + minute, "x", minute * 60.0)
    assert len(blame._blamed) == Blame.MOST
