"""Word error: how far a transcript is from what was said."""

import re


def word_errors(said: str, understood: str) -> int:
    """Words that were substituted, left out or put in, at least; case and punctuation do not count."""
    wanted, got = _words(said), _words(understood)
    row = list(range(len(got) + 1))
    for i, word in enumerate(wanted, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(got, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (word != other))
    return row[-1]


def _words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.casefold())
