"""What the Secrets of a TelephonyBackend hold: read again and again, kept in memory when they are gone."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from pydantic import SecretStr

from kazoo_operator.backend.errors import CredentialUnreadable
from kazoo_operator.backend.login import Credential, User
from kazoo_operator.core.outcome import Reason, State
from kazoo_operator.kinds.telephony_backend.spec import Auth, SecretKey
from kazoo_operator.subject import Halt
from kazoo_operator.surroundings import Secrets


class SecretMissing(Exception):
    """A Secret, or an entry of it, is not there or cannot be read; the text says which, and no value."""


class SecretAway(SecretMissing):
    """Nobody can tell now what the Secret holds: the API server is away."""


class Keyring:
    """The credential of one TelephonyBackend, as its Secret last held it."""

    def __init__(self, secrets: Secrets, namespace: str, auth: Auth) -> None:
        self._secrets = secrets
        self._namespace = namespace
        self._auth = auth
        self._held: Mapping[str, SecretStr] | None = None
        self._granted: Mapping[str, SecretStr] | None = None

    async def renew(self) -> None:
        """Read the Secret. Raises SecretMissing; where the API server is away, what is in memory goes on."""
        try:
            self._held = await self._read()
        except SecretAway:
            if self._held is None:
                raise

    @property
    def is_granted(self) -> bool:
        """Whether KAZOO has let in the credential as it is now."""
        return self._held is not None and self._held == self._granted

    def granted(self) -> None:
        """KAZOO has let the credential in."""
        self._granted = self._held

    async def current(self) -> Credential:
        """The credential, read anew where that can be done. Raises CredentialUnreadable without any."""
        try:
            await self.renew()
        except SecretMissing as error:
            if self._held is None:
                raise CredentialUnreadable(str(error)) from None
        assert self._held is not None
        values = self._held
        if "username" not in values:
            return lambda: values["key"]
        name, account, realm = (
            values[entry].get_secret_value() if entry in values else ""
            for entry in ("username", "accountName", "realm")
        )
        return User(name, account, lambda: values["password"], realm)

    async def _read(self) -> Mapping[str, SecretStr]:
        if (said := self._auth.api_key_secret_ref) is not None:
            where = "spec.auth.apiKeySecretRef"
            found = await entries(self._secrets, self._namespace, said.name, where)
            return {"key": SecretStr(_entry(found, said.key, self._namespace, said.name, where))}
        user = self._auth.user_secret_ref
        assert user is not None  # a rule sees to it that one of the two is there
        where = "spec.auth.userSecretRef"
        found = await entries(self._secrets, self._namespace, user.name, where)
        account = "accountName" if found.get("accountName") and not found.get("realm") else "realm"
        return {
            entry: SecretStr(_entry(found, entry, self._namespace, user.name, where))
            for entry in ("username", "password", account)
        }


async def authorities(secrets: Secrets, namespace: str, said: SecretKey | None) -> str | None:
    """The certificates that are trusted, in PEM form; None for the system's.

    Raises SecretMissing, and Halt for what are no certificates.
    """
    if said is None:
        return None
    where = "spec.caBundleSecretRef"
    found = await entries(secrets, namespace, said.name, where)
    text = _entry(found, said.key, namespace, said.name, where)
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError):
        told = (
            f"{where}: the entry {said.key} of the Secret {namespace}/{said.name} holds no certificate in "
            "PEM form; put the authority's there."
        )
        raise Halt(Reason.INVALID_SPEC, told, state=State.STALLED) from None
    return text


async def entries(secrets: Secrets, namespace: str, name: str, where: str) -> Mapping[str, bytes]:
    """The entries of a Secret. Raises SecretMissing."""
    called = f"the Secret {namespace}/{name}"
    try:
        found = await secrets.get(namespace, name)
    except PermissionError:
        text = f"{where}: {called} may not be read; let the operator's role get Secrets there."
        raise SecretMissing(text) from None
    except OSError as error:
        raise SecretAway(f"{where}: {called} cannot be read now: {error}.") from None
    if found is None:
        raise SecretMissing(f"{where}: there is no Secret {namespace}/{name}; create it.")
    return found


def _entry(found: Mapping[str, bytes], entry: str, namespace: str, name: str, where: str) -> str:
    """The text of an entry, without what ends its last line. Raises SecretMissing."""
    called = f"the Secret {namespace}/{name}"
    if entry not in found:
        raise SecretMissing(f"{where}: {called} has no entry {entry}; add it.")
    try:
        text = found[entry].decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretMissing(
            f"{where}: the entry {entry} of {called} is no text; put the plain value there."
        ) from None
    if not text:
        raise SecretMissing(f"{where}: the entry {entry} of {called} is empty; fill it in.")
    return text
