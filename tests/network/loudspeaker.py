"""A loudspeaker that nobody hears: takes 16 kHz mono as fast as it would be played.

python -m tests.network.loudspeaker
"""

import sys
import time

_BYTES_PER_S = 32_000
_PIECE_BYTES = 640


def main() -> None:
    """Until its pipe is closed."""
    due_s = time.monotonic()
    while piece := sys.stdin.buffer.read(_PIECE_BYTES):
        due_s = max(due_s, time.monotonic() - 1.0) + len(piece) / _BYTES_PER_S
        time.sleep(max(due_s - time.monotonic(), 0.0))


if __name__ == "__main__":
    main()
