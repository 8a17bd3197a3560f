"""The word that was meant, where one that is known is really near."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

# Below it lie words that mean something else: backendRef and parentRef, inbound and outbound.
_REALLY_NEAR = 0.76
_SHORTEST_BEGINNING = 3


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is meant, most likely; None where it would be a guess.

    Letter case, blanks, `-` and `_` make no difference, a beginning stands for the one word it begins, and
    two neighbours may have changed places.
    """
    by_fold = {_folded(one): one for one in reversed(list(known))}
    folded = _folded(word)
    if folded in by_fold:
        return by_fold[folded]
    begun = [one for fold, one in by_fold.items() if fold.startswith(folded)]
    if len(begun) == 1 and len(folded) >= _SHORTEST_BEGINNING:
        return begun[0]
    swapped = [fold for fold in by_fold if _is_swapped(folded, fold)]
    found = swapped[:1] or get_close_matches(folded, by_fold, 1, _REALLY_NEAR)
    return by_fold[found[0]] if found else None


def _folded(word: str) -> str:
    return re.sub(r"[\s_-]", "", word).lower()


def _is_swapped(one: str, other: str) -> bool:
    """Whether two neighbouring letters have changed places, and nothing else."""
    if len(one) != len(other):
        return False
    apart = [place for place, (left, right) in enumerate(zip(one, other, strict=True)) if left != right]
    if len(apart) != 2 or apart[1] != apart[0] + 1:
        return False
    first, second = apart
    return one[first] == other[second] and one[second] == other[first]
