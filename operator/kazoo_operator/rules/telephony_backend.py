"""The rules about one TelephonyBackend: where it may lead, who logs in, and what it asks of others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kazoo_operator.core import expression
from kazoo_operator.core.custom_resource import JsonObject
from kazoo_operator.core.finding import Severity
from kazoo_operator.rules import backend_set, metadata
from kazoo_operator.rules.rule import Objection, Rule

_PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_OCTET = "(0|[1-9][0-9]{0,2})"
# The last word of a name begins with a letter: a resolver takes 0xa9fea9fe and 2852039166 for addresses.
_HOST = (
    "([a-zA-Z0-9_-]+[.])*[a-zA-Z][a-zA-Z0-9_-]*[.]?"
    f"|{_OCTET}[.]{_OCTET}[.]{_OCTET}[.]{_OCTET}"
    r"|\[[0-9a-fA-F:.]{2,45}\]"
)
_END = "(:|/|$)"
_BASE = f"^https?://({_HOST})(:{_PORT})?(/[a-zA-Z0-9._~%/-]*)?$"
_LOOPBACK = rf"^http://(localhost|127([.][0-9]{{1,3}}){{3}}|\[::1\]){_END}"
_METADATA = (
    *("metadata", "metadata[.]google[.]internal", "metadata[.]goog", "metadata[.]azure[.]internal"),
    *("metadata[.]tencentyun[.]com", "instance-data", "instance-data[.]ec2[.]internal"),
)
_NEVER = (
    f"(?i)^https?://(({'|'.join(_METADATA)})[.]?{_END}"
    "|0[.]|169[.]254[.]|2(2[4-9]|3[0-9])[.]|255[.]255[.]255[.]255"
    "|(100[.]100[.]100[.]200|168[.]63[.]129[.]16|192[.]0[.]0[.]192)(:|/|$)"
    r"|\[([0:]+\]|([0:]*|[0:]*ffff:|0*64:ff9b:[0:]*)(169[.]254[.]|a9fe:)|2002:a9fe:"
    r"|fe[89ab][0-9a-f]:|ff[0-9a-f]{2}:|fd(00:0?ec2|20:0*ce):[0:]*:0?254\]))"
)
_TEMPLATE = "^([a-z0-9_-]|[{]name[}])+([.]([a-z0-9_-]|[{]name[}])+)+$"
_GUIDE = "Account manager guide"
_CREDENTIALS = "the operator's own: what stands in an object, everybody may read who may list it"


def _url(holds: Callable[[str], bool]) -> Callable[[JsonObject], bool]:
    """The check of a URL; what is no text is told by the schema."""

    def check(spec: JsonObject) -> bool:
        url = spec.get("url")
        return not isinstance(url, str) or holds(url)

    return check


def _text(spec: JsonObject, name: str) -> str:
    found = spec.get(name)
    return found if isinstance(found, str) else ""


def _has_one_of(member: str, first: str, second: str) -> Callable[[JsonObject], bool]:
    def check(spec: JsonObject) -> bool:
        found = spec.get(member)
        return not isinstance(found, dict) or (first in found) != (second in found)

    return check


def _is_encrypted(spec: JsonObject) -> bool:
    url = _text(spec, "url")
    return not url.startswith("http:") or spec.get("insecureHTTP") is True or bool(re.match(_LOOPBACK, url))


def _is_template(spec: JsonObject) -> bool:
    template = _text(spec, "realmTemplate")
    return not template or ("{name}" in template and bool(re.match(_TEMPLATE, template)))


def _no_expression(spec: JsonObject) -> Iterator[Objection]:
    pattern = _text(spec, "namePattern")
    # What is too long, the schema tells.
    why = expression.objection(pattern) if 0 < len(pattern) <= expression.LONGEST else ""
    if why:
        yield Objection("namePattern", f"is no regular expression: {why}")


RULES = (
    Rule(
        id="KZ170",
        title="A base URL is plain",
        severity=Severity.ERROR,
        path="url",
        message="is no base URL of Crossbar: http or https, a host by name or address, a port, a path",
        hint="write it like https://crossbar.example.com:8443, without ? and #",
        source="Crossbar: every path below /v2 is appended to it",
        cel=f"self.url.contains('@') || self.url.matches(r'{_BASE}')",
        check=_url(lambda url: "@" in url or bool(re.match(_BASE, url))),
    ),
    Rule(
        id="KZ171",
        title="A URL holds no credentials",
        severity=Severity.ERROR,
        path="url",
        message="holds a user or a password, or an @ that would be taken for the end of one",
        hint="take out what stands before the @, and name a Secret in auth; change the password",
        source=_CREDENTIALS,
        cel="!self.url.contains('@')",
        check=_url(lambda url: "@" not in url),
    ),
    Rule(
        id="KZ172",
        title="Credentials travel encrypted",
        severity=Severity.ERROR,
        path="url",
        message="http would send credentials in the clear to another machine",
        hint="write https://, or insecureHTTP: true where the network is trusted",
        source="Crossbar: the API key stands in the body of a login, the token in a header",
        cel=f"self.insecureHTTP || !self.url.startsWith('http:') || self.url.matches(r'{_LOOPBACK}')",
        check=_is_encrypted,
    ),
    Rule(
        id="KZ173",
        title="A URL leads to no metadata service",
        severity=Severity.ERROR,
        path="url",
        message="leads to a link-local, multicast or metadata address, which KAZOO never has",
        hint="write the host of Crossbar",
        source="the operator's own: a cloud's metadata service gives out the machine's own credentials; the "
        "operator looks at the address once more after a name is resolved",
        cel=f"!self.url.matches(r'{_NEVER}')",
        check=_url(lambda url: not re.match(_NEVER, url)),
    ),
    Rule(
        id="KZ174",
        title="One credential logs in",
        severity=Severity.ERROR,
        path="auth",
        message="must have exactly one of apiKeySecretRef and userSecretRef",
        hint="write apiKeySecretRef: {name: kazoo, key: api-key}, or userSecretRef: {name: kazoo}",
        source="Crossbar: api_auth takes an account's key, user_auth a user's name and password",
        cel="has(self.auth.apiKeySecretRef) != has(self.auth.userSecretRef)",
        check=_has_one_of("auth", "apiKeySecretRef", "userSecretRef"),
    ),
    Rule(
        id="KZ175",
        title="A template gives realms",
        severity=Severity.ERROR,
        path="realmTemplate",
        message="must hold {name} and no other placeholder, and give a realm",
        hint='write it like "{name}.pbx.example.com", or leave it out to ask for realms',
        source=f"{_GUIDE}: put the account's name into the realm",
        cel="self.realmTemplate == '' || (self.realmTemplate.contains('{name}') && "
        f"self.realmTemplate.matches(r'{_TEMPLATE}'))",
        check=_is_template,
    ),
    Rule(
        id="KZ176",
        title="The root account is one account",
        severity=Severity.ERROR,
        path="rootAccount",
        message="must have exactly one of realm and accountID",
        hint="write {realm: reseller.example.com}, or leave rootAccount out for the account that logs in",
        source="the operator's own: nothing outside the subtree of one account is ever written",
        cel="!has(self.rootAccount) || has(self.rootAccount.realm) != has(self.rootAccount.accountID)",
        check=_has_one_of("rootAccount", "realm", "accountID"),
    ),
    Rule(
        id="KZ177",
        title="A name pattern is a regular expression",
        severity=Severity.ERROR,
        path="namePattern",
        message="is no regular expression",
        hint="write an expression of RE2, without look-around and back references, such as ^[A-Z]{2}-",
        source=f"{_GUIDE}: map naming conventions ahead",
        each=_no_expression,
    ),
    *backend_set.RULES,
    *metadata.RULES,
)
