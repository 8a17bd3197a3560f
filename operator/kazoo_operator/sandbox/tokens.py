"""Tokens: JWTs that live 3600 seconds from their issue, however much they are used (Crossbar API, tokens)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .clock import Clock

LIFETIME = 3600


class Expired(Exception):
    """The token was good once."""


@dataclass(frozen=True)
class Claims:
    """What a token says: whose it is, and how it was obtained.

    One of a user names it as `owner_id`, and is good only as long as the user's `identity` is this one.
    """

    account_id: str
    method: str
    expires: int
    identity: str
    owner_id: str | None = None


class Tokens:
    """Signs tokens and reads them back."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._secret, self._clock = secret, clock
        self._header = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        self._claims = lru_cache(maxsize=1024)(self._verified)

    def issue(
        self, account_id: str, method: str, owner_id: str | None = None, identity: str | None = None
    ) -> str:
        """A new token for an account, or a user of it, obtained by this method (`cb_api_auth`)."""
        claims = {
            "iss": "kazoo",
            "account_id": account_id,
            "method": method,
            "identity_sig": identity or secrets.token_urlsafe(16),
            "exp": int(self._clock.unix()) + LIFETIME,
        }
        if owner_id:
            claims["owner_id"] = owner_id
        body = f"{self._header}.{_encode(json.dumps(claims).encode())}"
        return f"{body}.{self._sign(body)}"

    def read(self, token: str) -> Claims | None:
        """Its claims, None for a token that is not ours; raises `Expired`."""
        claims = self._claims(token)
        if claims and claims.expires <= self._clock.unix():
            raise Expired
        return claims

    def _verified(self, token: str) -> Claims | None:
        body, _, signature = token.rpartition(".")
        if not token.isascii() or not hmac.compare_digest(signature, self._sign(body)):
            return None
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body.partition(".")[2] + "=="))
        return Claims(
            claims["account_id"],
            claims["method"],
            claims["exp"],
            claims["identity_sig"],
            claims.get("owner_id"),
        )

    def _sign(self, body: str) -> str:
        return _encode(hmac.new(self._secret, body.encode(), hashlib.sha256).digest())


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
