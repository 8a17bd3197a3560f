"""Reaching the KAZOO that a TelephonyBackend declares, and finding out what it is without harm."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from kazoo_operator.backend.errors import AddressRefused, BackendError, Forbidden
from kazoo_operator.backend.login import Source
from kazoo_operator.backend.protocol import Greeting, Identity
from kazoo_operator.backend.registry import Access, Connection, NoRoot, Registry
from kazoo_operator.core.custom_resource import JsonObject, Key, Resource
from kazoo_operator.core.kind import Kind
from kazoo_operator.core.outcome import Outcome, Pass, Reason, State
from kazoo_operator.failure import outcome_of
from kazoo_operator.keyring import Keyring, SecretMissing, authorities
from kazoo_operator.kinds.telephony_backend.spec import TelephonyBackendSpec
from kazoo_operator.policy import policy_of, root_of
from kazoo_operator.subject import Halt
from kazoo_operator.surroundings import Secrets
from kazoo_operator.validity import validated


class Reach:
    """Opens the connections of TelephonyBackends, which are of `kind`; `now` is Unix time in seconds."""

    def __init__(self, kind: Kind, registry: Registry, secrets: Secrets, now: Callable[[], float]) -> None:
        self._kind = kind
        self._registry = registry
        self._secrets = secrets
        self._now = now
        self._keyrings: dict[Key, tuple[str, Keyring]] = {}

    async def look(self, declared: Resource) -> Pass:
        """Log in, look for the root account, and tell what the status says; every failure is an outcome."""
        try:
            return await self._reached(declared)
        except Halt as halt:
            return halt.found
        except SecretMissing as error:
            return Pass(Outcome.of(Reason.SECRET_NOT_FOUND, str(error)))
        except NoRoot as error:
            text = f"spec.rootAccount: {error} below that of the credential; correct it."
            return Pass(Outcome.of(Reason.ACCOUNT_NOT_FOUND, text))
        except AddressRefused as error:
            text = f"spec.url: {error}, to which nothing is sent; give KAZOO's own URL."
            return Pass(Outcome.of(Reason.INVALID_SPEC, text, State.STALLED))
        except BackendError as error:
            return Pass(outcome_of(error, self._kind))

    async def _reached(self, declared: Resource) -> Pass:
        """Reach the KAZOO that a TelephonyBackend declares: what its status then says.

        Raises Halt, SecretMissing, NoRoot, BackendError.
        """
        today = datetime.fromtimestamp(self._now(), UTC).date()
        spec = validated(self._kind, declared, today)
        assert isinstance(spec, TelephonyBackendSpec)
        keyring = self._keyring(declared.key, spec)
        self._registry.leave(declared.key, spec.url, root_of(spec))
        await keyring.renew()
        connection = await self._opened(declared.key, spec, keyring)
        backend = connection.backend
        if not keyring.is_granted:
            await backend.log_in_anew()
            keyring.granted()
        greeting = await backend.greet()
        login, root = await backend.identity(), await _root(connection)
        level = _level(login, greeting)
        text = f"KAZOO answers, and everything happens below {root.realm}."
        if level == "SuperDuper":
            text += " To this credential KAZOO never puts a charge before it makes it."
        fields: JsonObject = {
            "accountID": root.account_id,
            "level": level,
            "version": greeting.version or None,
            "writeMode": _write_mode(greeting.version),
        }
        return Pass(Outcome.of(Reason.READY, text), fields)

    async def _opened(self, key: Key, spec: TelephonyBackendSpec, keyring: Keyring) -> Connection:
        """The connection as the spec wants it. Raises Halt, SecretMissing."""
        policy = policy_of(spec)
        access = Access(
            name=key.called,
            url=spec.url,
            auth=spec.auth.model_dump_json(),
            root_account=policy.root_account,
            requests_per_second=spec.requests_per_second,
            authorities=await authorities(self._secrets, key.namespace, spec.ca_bundle_secret_ref),
            source=Source(keyring.current),
        )
        try:
            return await self._registry.open(key, access, policy)
        except ValueError as error:
            raise Halt(Reason.INVALID_SPEC, f"spec.url: {error}.") from None

    def _keyring(self, key: Key, spec: TelephonyBackendSpec) -> Keyring:
        """The keyring of a TelephonyBackend, a new one for another `spec.auth`."""
        auth, held = spec.auth.model_dump_json(), self._keyrings.get(key)
        if held is None or held[0] != auth:
            made = Keyring(self._secrets, key.namespace, spec.auth)
            held = self._keyrings[key] = (auth, made)
        return held[1]


async def _root(connection: Connection) -> Identity:
    """The root account as KAZOO shows it now. Raises Halt where it is not the credential's to touch."""
    try:
        return await connection.root_now()
    except Forbidden:
        text = (
            f"spec.rootAccount: the account {connection.policy.root_account} is not below that of the "
            "credential; name another."
        )
        raise Halt(Reason.OUTSIDE_SUBTREE, text) from None


def _level(login: Identity, greeting: Greeting) -> str:
    """What the credential may do now: its account may have been promoted since the login."""
    if login.is_master or greeting.account.get("superduper_admin") is True:
        return "SuperDuper"
    return "Reseller" if greeting.account.get("is_reseller") is True else "Account"


def _write_mode(version: str) -> str:
    """What a POST of an account does to members that it leaves out; told by the version, never by trying.

    Crossbar API: 4.x replaces the document, 5.x merges into it.
    """
    major = re.match(r"([1-9][0-9]?)\.", version)
    if major is None:
        return "Unknown"
    return "Merge" if int(major[1]) >= 5 else "Replace"
