"""Dialog: what the user said goes to a server, and its answer comes back, whole or piece by piece.

An intent server may stand before it: what that recognises is carried out by the dialog server, anything else is answered by it
as it was said.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from wyoming.event import Event as WireEvent

from satellite.core.script import MOST_CHARACTERS
from satellite.errors import PeerError
from satellite.peer import services
from satellite.peer.codec import text_of
from satellite.peer.request import Request, RequestRule
from satellite.peer.servers import Server, Servers


@dataclass(frozen=True, slots=True)
class DialogRule:
    """How long an answer may take, and how often it is asked for."""

    # a language model with tools; two of them in a row are less than the conversation waits
    first_s: float = 28.0
    # from one piece to the next
    next_s: float = 20.0
    # a server that carries out what was recognised, or recognises it
    intent_s: float = 5.0
    attempts: int = 2
    # doubled each time, before the same server is asked again
    retry_s: float = 0.25
    request: RequestRule = field(default_factory=RequestRule)


@dataclass(frozen=True, slots=True)
class DialogListener:
    """Who is told of an answer: its pieces, then that it has ended; or that there will be none, or no more of it."""

    piece: Callable[[str], None]
    ended: Callable[[], None]
    failed: Callable[[PeerError], None]


class Question:
    """One question, from when it is asked until nobody needs its connection any more.

    What is answered before somebody listens is kept, so that an answer can be asked for before it is known to be wanted.
    """

    def __init__(
        self, dialog: Servers, intent: Servers | None, text: str, language: str | None, conversation_id: str, rule: DialogRule
    ) -> None:
        self.text = text
        self.conversation_id = conversation_id
        """Of the conversation that it belongs to, as the server has it once it has answered."""
        self.server: Server | None = None
        self._dialog, self._intent, self._language, self._rule = dialog, intent, language, rule
        self._request: Request | None = None
        self._listener: DialogListener | None = None
        self._kept: list[Callable[[DialogListener], None]] = []
        self._characters = 0
        self._task = asyncio.get_running_loop().create_task(self._run(), name="dialog")

    def listen(self, listener: DialogListener) -> None:
        """The answer is wanted: what has come of it is told at once, and then what comes."""
        self._listener = listener
        kept, self._kept = self._kept, []
        for tell in kept:
            tell(listener)

    def tell(self, event: WireEvent) -> bool:
        """A word to the server that was asked; False if its connection is not open any more."""
        if self._request is None or not self._request.is_heard:
            return False
        self._request.send(event)
        return True

    def abandon(self, *farewell: WireEvent) -> None:
        """Nobody waits for more of it."""
        self._task.cancel()
        if self._request is not None:
            self._request.abandon(*farewell)

    def _tell(self, tell: Callable[[DialogListener], None]) -> None:
        if self._listener is None:
            self._kept.append(tell)
        else:
            tell(self._listener)

    # ---- the request

    async def _run(self) -> None:
        tried: list[str] = []
        while True:
            try:
                await self._ask(tried)
            except PeerError as error:
                if self.server is not None:
                    self._dialog.failed(self.server, error)
                if self.server is None or self._characters or len(tried) >= self._rule.attempts:
                    self._fail(error)
                    return
                self._dialog.failovers += 1
                await self._pause(tried)
            else:
                self._tell(lambda listener: listener.ended())
                return

    async def _pause(self, tried: list[str]) -> None:
        """Before the same server is asked again."""
        times = tried.count(self._dialog.pick(tried).uri)
        if times:
            await asyncio.sleep(self._rule.retry_s * 2 ** (times - 1))

    def _fail(self, error: PeerError) -> None:
        self._tell(lambda listener: listener.failed(error))

    async def _ask(self, tried: list[str]) -> None:
        self.server = None
        asked = await self._recognised() or services.question(self.text, self._language, self.conversation_id)
        self.server = self._dialog.pick(tried)
        tried.append(self.server.uri)
        self._request = await Request.open(self.server.host, self.server.port, self._rule.request, self.server.trust)
        try:
            self._request.send(asked)
            await self._answer(self._request)
        except PeerError:
            self._request.abandon()
            raise
        self._dialog.worked(self.server)

    async def _recognised(self) -> WireEvent | None:
        """The intent of what was said, if there is a server that knows such; whatever is wrong with it, the dialog goes on."""
        if self._intent is None:
            return None
        server = None
        try:
            server = self._intent.pick()
            event = await self._one_answer(server)
        except PeerError as error:
            if server is not None:
                self._intent.failed(server, error)
            return None
        self._intent.worked(server)
        return services.with_conversation(event, self.conversation_id) if event.type == "intent" else None

    async def _one_answer(self, server: Server) -> WireEvent:
        request = await Request.open(server.host, server.port, self._rule.request, server.trust)
        try:
            request.send(services.question(self.text, self._language, self.conversation_id))
            while (event := await request.next(self._rule.intent_s)).type not in ("intent", "not-recognized", "error"):
                pass
            if event.type == "error":
                raise PeerError(f"it says: {services.error_of(event)}")
            return event
        finally:
            request.abandon()

    async def _answer(self, request: Request) -> None:
        """Passes the answer on as it comes. A stream of pieces is followed by the whole, which says nothing new."""
        patience_s, streams = self._rule.first_s, False
        while True:
            event = await request.next(patience_s)
            self.conversation_id = services.conversation_of(event) or self.conversation_id
            match event.type:
                case "handled-start":
                    streams = True
                case "handled-chunk":
                    streams, patience_s = True, self._rule.next_s
                    self._add(text_of(event.data, "text"))
                case "handled" | "not-handled" if not streams:
                    self._add(text_of(event.data, "text"))
                    return
                case "handled-stop":
                    return
                case "error":
                    raise PeerError(f"it says: {services.error_of(event)}")
                case _:
                    pass

    def _add(self, text: str) -> None:
        if text:
            self._characters += len(text)
            self._tell(lambda listener: listener.piece(text))
        if self._characters > MOST_CHARACTERS:
            raise PeerError(f"an answer of more than {MOST_CHARACTERS} characters")
