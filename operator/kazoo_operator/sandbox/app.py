"""Apps as they are stored: documents of the account that offers them, which for the catalogue is the master.

An app of another account is seen only by those whose service plan names it (Crossbar API, apps store).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .document import Document, Documents
from .store import Store


class Apps(Documents):
    """The apps of all accounts."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, "app")

    def named(self, account_id: str, name: Any) -> str | None:
        """The id of the account's app that has this name; None is no name."""
        apps = self.of(account_id) if name is not None else ()
        return next((app.id for app in apps if app.document.get("name") == name), None)

    def everywhere(self) -> Iterator[tuple[str, Document]]:
        """All of all accounts, each with the id of its account."""
        query = "SELECT DISTINCT account_id FROM documents WHERE kind='app' ORDER BY account_id"
        for (account_id,) in self._run(query).fetchall():
            for app in self.of(account_id):
                yield account_id, app


STOCK = {
    "accounts": "Accounts Manager",
    "branding": "Branding",
    "callflows": "Advanced Callflows",
    "fax": "Fax",
    "numbers": "Number Manager",
    "pbxs": "PBX Connector",
    "reporting": "Reporting",
    "voicemails": "Voicemails",
    "voip": "SmartPBX",
}
"""What the master of a fresh sandbox offers: name -> label."""


def described(name: str, label: str, description: str = "") -> dict[str, Any]:
    """The document of a published app that costs nothing by itself."""
    text = description or f"The app {label}"
    return {
        "name": name,
        "i18n": {"en-US": {"label": label, "description": text, "extended_description": "", "features": []}},
        "tags": [],
        "published": True,
        "author": "Sandbox",
        "license": "-",
        "version": "1.0",
        "price": 0,
        "icon": f"{name}.png",
        "screenshots": [],
        "urls": {},
        "api_url": "https://api.sandbox.example/v2/",
        "source_url": f"https://apps.sandbox.example/{name}/",
    }
