"""The accounts below the root: a listing of all, at the start and every 10 minutes, and what came since."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from kazoo_operator.backend.protocol import AccountRow, Backend
from kazoo_operator.core.mark import Mark

LISTED_EVERY = 600.0
UNKNOWN_AFTER = 60.0
SPACING = 10.0
LAG = 120.0


class AccountIndex:
    """Answers whose mark stands where, who holds a realm, and what is above an account, without asking.

    Nobody waits for a listing while there is one young enough for what they ask; those who need a new one
    share it. A row that we put in ourselves outlives listings that do not show it yet. `clock` is monotonic.
    """

    def __init__(self, backend: Backend, clock: Callable[[], float]) -> None:
        self._backend = backend
        self._clock = clock
        self._rows: dict[str, AccountRow] = {}
        self._by_word: dict[str, dict[str, None]] = {}
        self._below: Counter[str] = Counter()
        self._own: dict[str, tuple[float, AccountRow]] = {}
        self._began: float | None = None
        self._root: str | None = None
        self._listing = asyncio.Lock()

    async def marked(self, mark: Mark, root_id: str) -> tuple[AccountRow, ...]:
        """The accounts that bear `mark`. Raises BackendError when a listing is due and fails."""
        await self._list_unless(root_id, LISTED_EVERY)
        return self._having(str(mark))

    def known(self, mark: Mark) -> tuple[AccountRow, ...]:
        """The accounts that bear `mark`, by what was listed so far; KAZOO is not asked."""
        return self._having(str(mark))

    async def marks(self, root_id: str) -> tuple[tuple[Mark, str], ...]:
        """Every mark below the root, with the account that bears it. Raises BackendError."""
        await self._list_unless(root_id, LISTED_EVERY)
        return tuple((mark, row.id) for row in self._rows.values() for mark in Mark.among(row.flags))

    async def row(self, account_id: str, root_id: str) -> AccountRow | None:
        """The row of an account. Raises BackendError when a listing is due and fails.

        An unknown account is looked for in a new listing, at most once a minute for all of them.
        """
        await self._list_unless(root_id, LISTED_EVERY)
        if account_id not in self._rows:
            await self._list_unless(root_id, UNKNOWN_AFTER)
        return self._rows.get(account_id)

    async def listed_after(self, moment: float, root_id: str) -> bool:
        """Whether a listing began after `moment`; made if the last is 10 s old. Raises BackendError."""
        if self._began is None or self._began <= moment:
            await self._list_unless(root_id, SPACING)
        return self._began is not None and self._began > moment

    def holding(self, realm: str) -> tuple[AccountRow, ...]:
        """The accounts that hold `realm`, letter case aside."""
        return self._having(realm.lower())

    def below(self, account_id: str) -> int:
        """How many accounts stand below one, by the last listing and what came since."""
        return self._below[account_id]

    def children(self, account_id: str) -> tuple[AccountRow, ...]:
        """The accounts directly below one, by the last listing and what came since."""
        return self._having(f"below {account_id}")

    def remember(self, row: AccountRow) -> None:
        """An account that was made now: a listing may lag behind it."""
        self._own[row.id] = (self._clock(), row)
        self._add(row)

    def forget(self, account_id: str) -> None:
        """An account that is gone."""
        self._own.pop(account_id, None)
        row = self._rows.pop(account_id, None)
        if row is not None:
            self._below.subtract(row.tree)
        for word in _words(row) if row is not None else ():
            self._by_word.get(word, {}).pop(account_id, None)

    async def _list_unless(self, root_id: str, age: float) -> None:
        """List, unless the last listing of this root is younger than `age` seconds."""
        if self._younger(root_id, age):
            return
        async with self._listing:
            if not self._younger(root_id, age):
                await self._list(root_id)

    def _younger(self, root_id: str, age: float) -> bool:
        return self._began is not None and self._root == root_id and self._clock() - self._began < age

    async def _list(self, root_id: str) -> None:
        began = self._clock()
        rows = {row.id: row for row in await self._backend.descendants(root_id)}
        self._own = {key: own for key, own in self._own.items() if began - own[0] < LAG}
        self._rows, self._by_word, self._below = {}, {}, Counter()
        for row in ({key: row for key, (_, row) in self._own.items()} | rows).values():
            self._add(row)
        self._began, self._root = began, root_id

    def _add(self, row: AccountRow) -> None:
        if row.id in self._rows:
            self._below.subtract(self._rows[row.id].tree)
        self._rows[row.id] = row
        self._below.update(row.tree)
        for word in _words(row):
            self._by_word.setdefault(word, {})[row.id] = None

    def _having(self, word: str) -> tuple[AccountRow, ...]:
        return tuple(self._rows[account_id] for account_id in self._by_word.get(word, {}))


def _words(row: AccountRow) -> tuple[str, ...]:
    """What a row is found by: its marks, its realm and its parent, which cannot be taken for each other."""
    above = (f"below {row.tree[-1]}",) if row.tree else ()
    return (row.realm.lower(), *above, *(str(mark) for mark in Mark.among(row.flags)))
