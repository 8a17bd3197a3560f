"""The accounts below the root: a listing of all, at the start and every 10 minutes, and what came since."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kazoo_operator.backend.protocol import AccountRow, Backend
from kazoo_operator.core.mark import Mark

LISTED_EVERY = 600.0


class AccountIndex:
    """Answers whose mark stands where, who holds a realm, and what is above an account, without asking.

    `clock` is monotonic, in seconds.
    """

    def __init__(self, backend: Backend, clock: Callable[[], float]) -> None:
        self._backend = backend
        self._clock = clock
        self._rows: dict[str, AccountRow] = {}
        self._by_word: dict[str, dict[str, None]] = {}
        self._since: dict[str, AccountRow] = {}
        self._listed_at: float | None = None
        self._expiries = 0
        self._listing = asyncio.Lock()

    async def marked(self, mark: Mark, root_id: str) -> tuple[AccountRow, ...]:
        """The accounts that bear `mark`. Raises BackendError when a listing is due and fails."""
        await self._list_when_due(root_id)
        return self._having(str(mark))

    async def row(self, account_id: str, root_id: str) -> AccountRow | None:
        """The row of an account; an unknown one is looked for in a new listing. Raises BackendError."""
        if await self._list_when_due(root_id) or account_id in self._rows:
            return self._rows.get(account_id)
        self.expire()
        await self._list_when_due(root_id)
        return self._rows.get(account_id)

    def holding(self, realm: str) -> tuple[AccountRow, ...]:
        """The accounts that hold `realm`, letter case aside."""
        return self._having(realm.lower())

    def expire(self) -> None:
        """The next look-up lists anew: something may have been made that nobody was told of."""
        self._expiries += 1
        self._listed_at = None

    def remember(self, row: AccountRow) -> None:
        """An account that was made or found since the last listing."""
        self._since[row.id] = row
        self._add(row)

    def forget(self, account_id: str) -> None:
        """An account that is gone, or is no longer what its row says."""
        self._since.pop(account_id, None)
        row = self._rows.pop(account_id, None)
        for word in _words(row) if row is not None else ():
            self._by_word.get(word, {}).pop(account_id, None)

    async def _list_when_due(self, root_id: str) -> bool:
        """Whether a listing was made now."""
        async with self._listing:
            if self._listed_at is not None and self._clock() - self._listed_at < LISTED_EVERY:
                return False
            self._since, expiries = {}, self._expiries
            rows = await self._backend.descendants(root_id)
            self._rows, self._by_word = {}, {}
            # What was made while the pages came in may be on none of them.
            for row in (*rows, *self._since.values()):
                self._add(row)
            # One that was asked for while the pages came in may miss what it was asked for.
            self._listed_at = self._clock() if expiries == self._expiries else None
            return True

    def _add(self, row: AccountRow) -> None:
        self._rows[row.id] = row
        for word in _words(row):
            self._by_word.setdefault(word, {})[row.id] = None

    def _having(self, word: str) -> tuple[AccountRow, ...]:
        return tuple(self._rows[account_id] for account_id in self._by_word.get(word, {}))


def _words(row: AccountRow) -> tuple[str, ...]:
    """What a row is found by: its marks and its realm, which cannot be taken for each other."""
    return (row.realm.lower(), *(str(mark) for mark in Mark.among(row.flags)))
