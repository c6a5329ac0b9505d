"""What stands before a server that knows no TLS, as stunnel does: it ends TLS, and passes on what is within."""

import asyncio
import select
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

# of real time: how soon a thread notices that it is to end
_LOOK_S = 0.05


class Front:
    """Threads of its own: who is cut off in the middle of a handshake leaves nothing behind in an event loop."""

    def __init__(self, certificate: Path, behind: int) -> None:
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        self._behind = behind
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_LOOK_S)
        self._is_over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.handshakes = 0
        """How often TLS came about, and a word could have been said."""
        self.passed_bytes = 0

    @property
    def uri(self) -> str:
        """Where it listens."""
        return f"tls://127.0.0.1:{self.port}"

    def run(self) -> None:
        """Until `stop`, in a thread."""
        while not self._is_over.is_set():
            with suppress(TimeoutError):
                thread = threading.Thread(target=self._serve, args=(self._listener.accept()[0],))
                self._threads.append(thread)
                thread.start()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def stop(self) -> None:
        """Ends everything."""
        self._is_over.set()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(_LOOK_S)
        with client, suppress(OSError):
            secure = self._context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
            with secure:
                self._shake_hands(secure)
                self.handshakes += 1
                with socket.create_connection(("127.0.0.1", self._behind)) as server:
                    self._join(secure, server)

    def _shake_hands(self, secure: ssl.SSLSocket) -> None:
        while not self._is_over.is_set():
            with suppress(TimeoutError):
                secure.do_handshake()
                return
        raise ConnectionAbortedError

    def _join(self, secure: ssl.SSLSocket, server: socket.socket) -> None:
        while not self._is_over.is_set():
            ready = [secure] if secure.pending() else select.select([secure, server], [], [], _LOOK_S)[0]
            for come in ready:
                with suppress(TimeoutError):
                    if not (received := come.recv(65536)):
                        return
                    self.passed_bytes += len(received)
                    (server if come is secure else secure).sendall(received)


@asynccontextmanager
async def tls_front(certificate: Path, behind: int) -> AsyncIterator[Front]:
    """One with this certificate, whose key lies beside it, before the server at this port of loopback."""
    front = Front(certificate, behind)
    running = asyncio.get_running_loop().run_in_executor(None, front.run)
    try:
        yield front
    finally:
        front.stop()
        await running
