"""`.../channels`: the calls that are under way. The sandbox connects none, so there are none."""

from __future__ import annotations

from .. import authority
from ..call import Call, Reply
from ..routes import ANY, Action, Noun, Resource


def read_all(_call: Call) -> Reply:
    """An empty list; KAZOO asks its call engine for it, so it has no revision."""
    return Reply([])


NOUN = Noun(
    "channels",
    (
        Resource((), {"GET": Action(read_all, authority.of_the_account_or_superduper)}),
        Resource((ANY,), awaited=frozenset({"GET", "POST", "PUT"})),
    ),
)
