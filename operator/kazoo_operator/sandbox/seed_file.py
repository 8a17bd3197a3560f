"""Seed files: what a fresh sandbox holds besides the master and the built-in reseller, in YAML.

    plans:                                      # sold by an account to those below it
    - {name: gold, vendor: REALM, plan: {limits: {twoway_trunks: {rate: 29.99}}}}
    apps:                                       # offered by the master, or by a vendor whose plans name them
    - {name: dialer, label: Dialer, vendor: REALM, document: {tags: [sales]}}
    accounts:                                   # a parent stands above its children
    - name: Acme Dental
      realm: acme.pbx.example.com
      parent: REALM                             # absent: the master
      reseller: false
      enabled: true
      id: 32 hex digits                         # absent: follows from the realm, like apiKey
      apiKey: 64 characters
      document: {timezone: Etc/UTC}             # anything that KAZOO keeps of an account
      limits: {twoway_trunks: 5}
      plans: [gold]                             # by name, sold by the account's reseller
      apps: {voip: all}                         # installed, by name: for all or admins
      blacklist: [fax]                          # blocked, by name
      whitelabel: {domain: portal.acme.example}
      users:
      - {username: ada, password: secret, firstName: Ada, lastName: Byron, administrator: true}
      ledgers:                                  # booked when the seed is planted
      - {id: opening, amount: "25.00", type: credit, description: Opening credit}

Unknown members are refused. This module reads; `planting` puts it into a world.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic.alias_generators import to_camel

from .seed import SeedRefused

At = tuple[str | int, ...]
Text = Annotated[str, Field(min_length=1, max_length=253)]
Object = dict[str, JsonValue]

SAID = {
    "extra_forbidden": "there is no such member",
    "missing": "is missing",
}
"""What pydantic says, in the words of a file; its other texts are fine as they are."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)


class SeedUser(_Part):
    """A user of an account."""

    first_name: Text
    last_name: Text
    username: Text
    password: Text
    email: Text | None = None
    administrator: bool = False
    document: Object = {}


class SeedEntry(_Part):
    """A booking; `amount` is in the currency, with at most four decimals."""

    id: Text
    amount: str = Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,4})?$")
    type: Literal["credit", "debit"] = "credit"
    service: Text = "adjustments"
    unit: Text = "USD"
    description: str = ""


class SeedAccount(_Part):
    """An account below the one with the realm `parent`, with what it holds."""

    name: Text
    realm: Text
    parent: Text | None = None
    reseller: bool = False
    enabled: bool = True
    id: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    api_key: str | None = Field(default=None, pattern=r"^[!-~]{64}$")
    document: Object = {}
    limits: Object = {}
    plans: list[Text] = []
    apps: dict[Text, Literal["all", "admins"]] = {}
    blacklist: list[Text] = []
    whitelabel: Object = {}
    users: list[SeedUser] = []
    ledgers: list[SeedEntry] = []


class SeedPlan(_Part):
    """A service plan that the account with the realm `vendor` sells, the master where none is named."""

    name: Text
    vendor: Text | None = None
    description: str = ""
    category: str = ""
    plan: Object


class SeedApp(_Part):
    """An app that the account with the realm `vendor` offers, the master where none is named."""

    name: Annotated[str, Field(min_length=3, max_length=64)]
    label: Text | None = None
    description: str = ""
    vendor: Text | None = None
    document: Object = {}


class Seed(_Part):
    """All of a file."""

    plans: list[SeedPlan] = []
    apps: list[SeedApp] = []
    accounts: list[SeedAccount] = []


class SeedFile:
    """A file that was read: its `seed`, and where in the file each member stands."""

    def __init__(self, path: Path, seed: Seed, lines: dict[At, int]) -> None:
        self.path, self.seed, self._lines = path, seed, lines

    def refused(self, at: At, text: str) -> SeedRefused:
        """The refusal of a member, or of the nearest one around it that is there."""
        found = at
        while found and found not in self._lines:
            found = found[:-1]
        return SeedRefused(f"{self.path}:{self._lines.get(found, 1)}: {_dotted(at)}: {text}")


def read(path: Path) -> SeedFile:
    """Read a seed; raises `SeedRefused`."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        lines: dict[At, int] = {}
        value = _plain(node, (), lines, path) if node else {}
    except OSError as error:
        raise SeedRefused(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SeedRefused(f"{path}: is no UTF-8 text") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SeedRefused(f"{path}:{line}: {error.problem}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SeedRefused(f"{path}: is no YAML that a seed may hold: {error}") from error
    file = SeedFile(path, Seed(), lines)
    try:
        return SeedFile(path, Seed.model_validate(value), lines)
    except ValidationError as error:
        first = min(error.errors(), key=lambda one: lines.get(one["loc"], 0))
        raise file.refused(first["loc"], SAID.get(first["type"], first["msg"])) from error


def _plain(node: yaml.Node, at: At, lines: dict[At, int], path: Path) -> Any:
    """The value of a node, noting the lines of all members; a key that stands twice is refused."""
    lines.setdefault(at, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*at, place), lines, path) for place, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return yaml.CSafeLoader("").construct_object(node)
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key, line = str(key_node.value), key_node.start_mark.line + 1
        if key in result:
            raise SeedRefused(f"{path}:{line}: {_dotted((*at, key))}: stands there twice")
        lines[(*at, key)] = line
        result[key] = _plain(value_node, (*at, key), lines, path)
    return result


def _dotted(at: At) -> str:
    """`accounts[0].users[1].email`, or what the whole file is called."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at)
    return text.lstrip(".") or "the seed"
