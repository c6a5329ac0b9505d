"""What is asked of a TCP socket whose other end may vanish."""

import socket


def never_wait_long(sock: socket.socket, most_s: float, send_buffer_bytes: int) -> None:
    """A machine that vanished is noticed, also while there is nothing to send to it; so much waits in the system for it."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, int(most_s) or 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(most_s * 1000))
