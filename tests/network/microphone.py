"""A microphone without a room: silence in real time, and whatever 16 kHz recording is put into FILE, once.

python -m tests.network.microphone FILE
"""

import sys
import time
from pathlib import Path

_RATE_HZ = 16_000
_PIECE_S = 0.02
_PIECE_BYTES = int(_RATE_HZ * _PIECE_S) * 2


def main() -> None:
    """Until its pipe is closed."""
    wanted, waiting = Path(sys.argv[1]), b""
    due_s = time.monotonic()
    while True:
        if wanted.exists():
            waiting += wanted.read_bytes()
            wanted.unlink()
        piece, waiting = waiting[:_PIECE_BYTES], waiting[_PIECE_BYTES:]
        sys.stdout.buffer.write(piece.ljust(_PIECE_BYTES, b"\0"))
        sys.stdout.buffer.flush()
        due_s += _PIECE_S
        time.sleep(max(due_s - time.monotonic(), 0.0))


if __name__ == "__main__":
    main()
