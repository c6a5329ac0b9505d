"""A connection to a broker that is made again for ever. The only file that knows the library, which is an extra.

What one topic has to say is only worth its newest value, so what waits is one message a topic. The topics are those of the
table, so it cannot grow beyond them; a bound is there all the same.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import aiomqtt

from satellite.mqtt.access import Access
from satellite.mqtt.messages import Heard, MqttRule, Told

_log = logging.getLogger(__name__)

# MQTT 5's numbers, which the library makes of MQTT 3.1.1's 4 and 5
_WRONG_USER, _NOT_ALLOWED = 0x86, 0x87


class Connection:
    """Says `farewell` when it ends, and has the broker say it when it breaks. For the event loop.

    `on_connected` is called at each connection: what it tells goes out first. What is told while there is none is dropped, and
    what others say meanwhile is not heard.
    """

    def __init__(
        self,
        access: Access,
        client_id: str,
        topics: Sequence[str],
        farewell: Told,
        on_connected: Callable[[], None],
        on_heard: Callable[[Heard], None],
        rule: MqttRule,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._access, self._client_id, self._topics, self._farewell = access, client_id, topics, farewell
        self._on_connected, self._on_heard, self._rule = on_connected, on_heard, rule
        self._log = _Journal(str(access), rule, clock_s)
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        # only while connected
        self._waiting: dict[str, Told] | None = None
        self._has_more = asyncio.Event()

    def start(self) -> None:
        """Begins to connect."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Says farewell, if there is somebody who hears it soon."""
        if self._task is None:
            return
        self._stopping.set()
        await asyncio.wait([self._task], timeout=self._rule.goodbye_s)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def tell(self, told: Told) -> None:
        """Soon, unless something newer comes for this topic."""
        if self._waiting is None:
            return
        if told.topic in self._waiting or len(self._waiting) < self._rule.queue:
            self._waiting[told.topic] = told
            self._has_more.set()

    # ---- the connection

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                async with self._client() as client:
                    await self._talk(client)
            except aiomqtt.MqttError as error:
                self._log.lost(*_why(error))
            # whatever it was, a satellite that cannot be reached is worse
            except Exception:
                _log.exception("the MQTT client failed; it tries again")
                self._log.lost("fault", "a fault of ours")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._log.retry_s):
                    await self._stopping.wait()

    def _client(self) -> aiomqtt.Client:
        return aiomqtt.Client(
            self._access.host,
            self._access.port,
            username=self._access.user,
            password=self._access.password,
            identifier=self._client_id,
            tls_context=self._access.tls,
            # what was asked while we were away is over
            clean_session=True,
            will=aiomqtt.Will(self._farewell.topic, self._farewell.payload, retain=self._farewell.is_kept),
            timeout=self._rule.answer_s,
            keepalive=self._rule.keep_alive_s,
            max_queued_incoming_messages=self._rule.queue,
        )

    async def _talk(self, client: aiomqtt.Client) -> None:
        """Until we stop, or by an error."""
        tasks = [asyncio.create_task(each) for each in (self._send(client), self._receive(client), self._until_stopping())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            # before Python 3.12 a cancellation is lost in the library's `wait_for` if what it waits for has just come
            self._waiting = None
            self._has_more.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await _publish(client, self._farewell)

    async def _until_stopping(self) -> None:
        await self._stopping.wait()

    async def _send(self, client: aiomqtt.Client) -> None:
        # at most once: what is said twice is worse than what is not said
        granted = await client.subscribe([(topic, 0) for topic in self._topics])
        refused = [topic for topic, code in zip(self._topics, granted, strict=True) if _is_refused(code)]
        self._log.found(refused)
        if self._stopping.is_set():
            return
        self._waiting = {}
        self._on_connected()
        while self._waiting is not None:
            self._has_more.clear()
            while self._waiting:
                await _publish(client, self._waiting.pop(next(iter(self._waiting))))
            await self._has_more.wait()

    async def _receive(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            self._on_heard(Heard(message.topic.value, bytes(message.payload), message.retain))


class _Journal:
    """What the operator is told: each kind of trouble once, and when it is over. And how long to wait."""

    def __init__(self, broker: str, rule: MqttRule, clock_s: Callable[[], float]) -> None:
        self._broker, self._rule, self._clock_s = broker, rule, clock_s
        self._failures = 0
        self._lost_at_s: float | None = None
        self._found_at_s: float | None = None
        self._warned: set[str] = set()
        # whether the operator wants to hear that it is back
        self._is_news = True

    @property
    def retry_s(self) -> float:
        return min(self._rule.first_retry_s * 2.0 ** min(self._failures - 1, 16), self._rule.most_retry_s)

    def lost(self, kind: str, why: str) -> None:
        now_s = self._clock_s()
        if self._found_at_s is not None and now_s - self._found_at_s > self._rule.steady_s:
            self._failures, self._warned = 0, set()
        self._found_at_s = None
        self._lost_at_s = now_s if self._lost_at_s is None else self._lost_at_s
        self._failures += 1
        # once: it may be away all night, or come and go
        level = logging.DEBUG if kind in self._warned else logging.WARNING
        self._is_news = self._is_news or level == logging.WARNING
        self._warned.add(kind)
        _log.log(level, "mqtt: no broker at %s: %s", self._broker, why)

    def found(self, refused: Sequence[str]) -> None:
        self._found_at_s = self._clock_s()
        level = logging.INFO if self._is_news else logging.DEBUG
        if self._lost_at_s is None:
            _log.log(level, "mqtt: the broker %s is here", self._broker)
        else:
            _log.log(level, "mqtt: the broker %s is here after %.1f s", self._broker, self._found_at_s - self._lost_at_s)
        if refused:
            level = logging.DEBUG if "acl" in self._warned else logging.WARNING
            _log.log(level, "mqtt: the broker %s does not let us hear %s", self._broker, ", ".join(refused))
            self._warned.add("acl")
        self._lost_at_s, self._is_news = None, False


async def _publish(client: aiomqtt.Client, told: Told) -> None:
    await client.publish(told.topic, told.payload, qos=0, retain=told.is_kept)


def _is_refused(code: object) -> bool:
    """A number, or the library's object for it."""
    return int(getattr(code, "value", code)) >= 0x80  # type: ignore[call-overload, no-any-return]


def _why(error: aiomqtt.MqttError) -> tuple[str, str]:
    """Its kind, and words for it."""
    if isinstance(error, aiomqtt.MqttCodeError) and getattr(error.rc, "value", error.rc) in (_WRONG_USER, _NOT_ALLOWED, 4, 5):
        return "refused", "it refuses mqtt.user and the password of mqtt.password_file"
    return "lost", " ".join(f"{error}".split()) or type(error).__name__
