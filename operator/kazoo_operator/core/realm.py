"""Realms from a template: `{name}` stands for the account's name, made fit for DNS."""

from __future__ import annotations

import re
import unicodedata

PATTERN = r"^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+$"


def label(name: str) -> str:
    """`"Acme Dental, Inc."` -> `"acme-dental-inc"`; `"Söhne"` -> `"sohne"`; at most 63 characters.

    NFKD without combining marks, lower case, runs of anything but a-z0-9 to one `-`, trimmed.
    """
    decomposed = unicodedata.normalize("NFKD", name)
    plain = "".join(char for char in decomposed if not unicodedata.combining(char)).lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:63].rstrip("-")


def from_template(template: str, name: str) -> str | None:
    """The realm that the template gives for an account's name, or None when it gives no valid one."""
    word = label(name)
    realm = template.replace("{name}", word)
    valid = word and 4 <= len(realm) <= 253 and re.fullmatch(PATTERN, realm)
    return realm if valid else None


def normalised_name(name: str) -> str:
    """The form in which KAZOO compares account names, cluster-wide: lower case, only a-z and 0-9."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def meant(text: str) -> str:
    """`sip:Acme.Example.com.` -> `acme.example.com`: as a realm is written, not as it is called up."""
    return re.sub(r"^[a-z]+:(//)?|\.+(?=\.)", "", text.lower()).strip("./")
