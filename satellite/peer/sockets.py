"""What is asked of a TCP socket whose other end may vanish."""

import socket


def notice_loss(sock: socket.socket, lost_s: float, ask_s: float) -> None:
    """An end that has vanished breaks the connection after so long; it is asked for a sign of life so often in silence."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, max(int(ask_s), 1))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(int(ask_s), 1))
    # it counts for both what is unacknowledged and what is unanswered
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(lost_s * 1000))


def never_wait_long(sock: socket.socket, most_s: float, send_buffer_bytes: int) -> None:
    """A machine that vanished is noticed, also while there is nothing to send to it; so much waits in the system for it."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
    notice_loss(sock, most_s, most_s / 2)
