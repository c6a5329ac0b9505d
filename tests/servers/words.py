"""How far what was understood is from what was said."""

import re

# an apostrophe inside of a word is part of it; a hyphen is not
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def words(text: str) -> list[str]:
    """The words of a text, without case and punctuation. Numerals stay as they are written: "20" is not "twenty"."""
    return _WORD.findall(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").casefold())


def word_error_rate(said: str, understood: str) -> float:
    """Words replaced, lost or added, the fewest that explain it, per word said: 0 is perfect, more than 1 is possible."""
    reference, hypothesis = words(said), words(understood)
    if not reference:
        raise ValueError("nothing was said, so no share of it can be wrong")
    # errors of what was said so far against each beginning of what was understood
    errors = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference, start=1):
        row = [i]
        for j, other in enumerate(hypothesis, start=1):
            row.append(min(errors[j - 1] + (word != other), errors[j] + 1, row[j - 1] + 1))
        errors = row
    return errors[-1] / len(reference)
