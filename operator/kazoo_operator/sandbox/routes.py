"""The table of what can be asked: a noun registers its resources, their verbs and who may call them.

A path is a chain of nouns with arguments; a segment is a noun if a module of that name is loaded, else an
argument of the noun before it, and the last noun answers (Crossbar API, URL and verbs). What KAZOO has and
the sandbox has not yet stands in the table too, as `awaited`: such a request is answered 501 instead of
with a lie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import authority

if TYPE_CHECKING:
    from .account import Account
    from .call import Call, Reply
    from .world import World

ANY = "*"
"""Stands for one argument of any value."""


@dataclass(frozen=True)
class Action:
    """What a verb does: `run` answers, `authorise` refuses callers before that.

    `anonymous` needs no token. `faults` names the faults that the action itself carries out. The master
    account has no action that is `not_for_master`.
    """

    run: Callable[[Call], Reply]
    authorise: Callable[[Call], None] = authority.of_the_account
    anonymous: bool = False
    faults: frozenset[str] = frozenset()
    not_for_master: bool = False


@dataclass(frozen=True)
class Resource:
    """The verbs of a noun with these arguments; `awaited` are those that only KAZOO has."""

    arguments: tuple[str, ...]
    actions: Mapping[str, Action] = field(default_factory=dict)
    awaited: frozenset[str] = frozenset()

    @property
    def verbs(self) -> list[str]:
        """Those that KAZOO has here."""
        return [*self.actions, *(verb for verb in sorted(self.awaited) if verb not in self.actions)]

    def fits(self, arguments: tuple[str, ...]) -> bool:
        """Whether a path with these arguments means this resource."""
        return len(arguments) == len(self.arguments) and all(
            mine in (ANY, given) for mine, given in zip(self.arguments, arguments, strict=True)
        )


@dataclass(frozen=True)
class Noun:
    """One module of the sandbox: a name, and its resources, of which the first that fits answers.

    `documents` are edits behind KAZOO's back: name -> function(world, account, JSON merge patch) -> new
    document. `state` gives the members that an account has in `GET /sandbox/state`.
    """

    name: str
    resources: tuple[Resource, ...]
    documents: Mapping[str, Callable[[World, Account, dict[str, Any]], Any]] = field(default_factory=dict)
    state: Callable[[World, Account], dict[str, Any]] | None = None


@dataclass(frozen=True)
class Match:
    """What a path means.

    `noun` is None where the path names none, `resource` where the noun has nothing at these arguments.
    """

    noun: str | None
    arguments: tuple[str, ...]
    account_id: str | None
    resource: Resource | None
    own_account: bool = False

    def action(self, verb: str) -> Action | None:
        """The action of that verb, if it is built."""
        return self.resource.actions.get(verb) if self.resource else None


class Routes:
    """All nouns, and the way from a path to one of their resources."""

    def __init__(self, nouns: Iterable[Noun]) -> None:
        self.nouns = {noun.name: noun for noun in nouns}

    def resolve(self, segments: Iterable[str]) -> Match:
        """What a path (without its version) means."""
        chain: list[tuple[str, list[str]]] = []
        for segment in segments:
            if segment in self.nouns or segment == "account":
                chain.append((segment, []))
            elif chain:
                chain[-1][1].append(segment)
            else:
                return Match(None, (), None, None)
        if not chain:
            return Match(None, (), None, None)
        account_id = next(
            (arguments[0] for noun, arguments in chain if noun == "accounts" and arguments), None
        )
        own = chain[0][0] == "account"
        noun, arguments = chain[-1]
        if noun == "account":  # an alias of /accounts/{the caller's own account}
            noun, arguments = "accounts", ["", *arguments]
        given = tuple(arguments)
        return Match(noun, given, account_id, self._resource(noun, given), own)

    def _resource(self, noun: str, arguments: tuple[str, ...]) -> Resource | None:
        resources = self.nouns[noun].resources
        return next((resource for resource in resources if resource.fits(arguments)), None)
