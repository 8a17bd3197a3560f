"""Logging in with a username and a password, as KAZOO's clients do."""

from __future__ import annotations

import hashlib

from tests.sandbox.client import Client


def hashed(username: str, password: str, method: str = "md5") -> str:
    """What a client sends instead of a password."""
    text = f"{username}:{password}".encode()
    return (hashlib.sha1(text) if method == "sha" else hashlib.md5(text)).hexdigest()


async def logged_in(client: Client, username: str, password: str, realm: str) -> Client:
    """A client with the token of this user."""
    login = {"credentials": hashed(username, password), "account_realm": realm}
    answer = await Client(client.session, client.sandbox).put("/v2/user_auth", login)
    assert answer.status == 201, answer
    return Client(client.session, client.sandbox, answer.body["auth_token"])
