"""One request on its way through the checks, and the reply that it gets."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .account import Account
from .faults import Fault
from .refusal import NOTHING, Refusal, empty
from .routes import Match
from .tokens import Claims
from .user import User
from .world import World

WRITES = frozenset({"PUT", "POST", "PATCH", "DELETE"})
BODIES = frozenset({"PUT", "POST", "PATCH"})
READABLE_TYPES = frozenset({
    "application/json", "application/x-json", "application/x-www-form-urlencoded", "multipart/form-data",
    "multipart/mixed", "text/csv", "text/comma-separated-values",
})  # fmt: skip


@dataclass
class Reply:
    """A good answer. `status` is set only where the usual one (201 for PUT, else 200) does not hold.

    What is `chunked` is sent before the requests left in the rate bucket are known.
    """

    data: Any = NOTHING
    revision: str | None = None
    location: str | None = None
    members: Mapping[str, Any] = field(default_factory=dict)
    token: str | None = None
    status: int | None = None
    chunked: bool = False


@dataclass
class Call:
    """A request as the nouns see it.

    `method` is HTTP's, `verb` what it comes to after tunnelling. `data` and `envelope` are what the body
    said, `client` is the address that it came from.
    """

    world: World
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    client: str = ""
    envelope: dict[str, Any] = field(default_factory=dict)
    data: Any = field(default_factory=dict)
    broken: Refusal | None = None
    match: Match = Match(None, (), None, None)  # noqa: RUF009  frozen
    account: Account | None = None
    token: str | None = None
    known_caller: Account | None = None
    claims: Claims | None = None
    negotiated: bool = False
    fault: Fault | None = None
    checked: bool = False

    def __post_init__(self) -> None:
        self.request_id = self.headers.get("X-Request-ID") or secrets.token_hex(16)

    @property
    def verb(self) -> str:
        """The verb that is acted on: a member `verb` wins over the method (Crossbar API, verbs)."""
        return str(self.value("verb") or self.method).upper()

    @property
    def caller(self) -> Account:
        """Whose token came along; only asked for where the checks have made sure of one."""
        assert self.known_caller is not None
        return self.known_caller

    @property
    def bucket(self) -> str:
        """The name of the rate bucket: one for each client and account in the path."""
        own = self.known_caller.id if self.match.own_account and self.known_caller else None
        return f"{self.client}/{own or self.match.account_id or 'no_account'}"

    @property
    def user(self) -> User | None:
        """Who logged in, where that was with a user's password and not with a key."""
        if self.claims is None or self.claims.owner_id is None:
            return None
        return self.world.users.with_token(self.claims.account_id, self.claims.owner_id)

    @property
    def subject(self) -> Account:
        """The account in the path; only asked for where the table sends no path without one."""
        assert self.account is not None
        return self.account

    def value(self, name: str) -> Any:
        """A flag or option: looked for in the data, then in the query, then in the envelope."""
        if isinstance(self.data, dict) and name in self.data:
            return self.data[name]
        return self.query[name] if name in self.query else self.envelope.get(name)

    def flag(self, name: str) -> bool:
        """Whether such an option is set to true."""
        return self.value(name) in (True, "true")

    def readable(self) -> bool:
        """Whether the body is of a type that Crossbar reads; a missing header means JSON."""
        kind = self.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()
        return kind in READABLE_TYPES

    def before_execution(self, revision: str | None = None) -> None:
        """What the web server checks between validation and execution: preconditions, then the content type.

        `revision` is that of the document that was loaded; without one no If-Match can hold.
        """
        self.checked = True
        self._check_if_match(revision)
        if self.method in BODIES and not self.readable():
            raise empty(415)

    def _check_if_match(self, revision: str | None) -> None:
        wanted = self.headers.get("If-Match")
        if wanted is None:
            return
        if revision is None or ("*" not in wanted and revision not in tags(wanted)):
            raise empty(412)

    def after_reading(self, revision: str | None) -> None:
        """The preconditions of a GET."""
        self._check_if_match(revision)
        known = self.headers.get("If-None-Match")
        if known is not None and revision is not None and (known.strip() == "*" or revision in tags(known)):
            raise empty(304, ETag=f'"{revision}"')


def tags(header: str) -> list[str]:
    """The entity tags in an If-Match or If-None-Match, without quotes; 400 for what is none."""
    found = re.findall(r'(?:W/)?"([^"]*)"', header)
    if not found:
        raise empty(400)
    return found
