"""The least that a simulated KAZOO could be: aiohttp over SQLite, documents by id and nothing else.

`python -m tools.bare_model FILE NUMBER` serves so many documents of the size of an account out of a new file,
written through as the sandbox's is, and prints its URL when it listens. What the sandbox costs is told
beside this.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from pathlib import Path

from aiohttp import web


class Documents:
    """`GET` and `PUT /{id}` over a table of texts."""

    def __init__(self, path: Path) -> None:
        self._run = sqlite3.connect(path, isolation_level=None).execute
        self._run("PRAGMA locking_mode=EXCLUSIVE")
        self._run("PRAGMA journal_mode=WAL")
        self._run("PRAGMA synchronous=FULL")
        self._run("CREATE TABLE documents (id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID")

    def fill(self, number: int) -> None:
        """So many documents, under the ids 0, 1, 2 and so on."""
        self._run("BEGIN")
        for one in range(number):
            account = {"name": f"Account {one}", "realm": f"a{one}.bench.example", "timezone": "Etc/UTC"}
            document = {
                **account,
                "call_restriction": {},
                "music_on_hold": {},
                "preflow": {},
                "ringtones": {},
            }
            self._run("INSERT INTO documents VALUES (?, ?)", (str(one), json.dumps(document)))
        self._run("COMMIT")

    async def read(self, request: web.Request) -> web.Response:
        """A document in an envelope."""
        found = self._run("SELECT document FROM documents WHERE id=?", (request.match_info["id"],)).fetchone()
        if found is None:
            raise web.HTTPNotFound
        return web.json_response({"data": json.loads(found[0]), "status": "success"})

    async def write(self, request: web.Request) -> web.Response:
        """The data of the body become the document."""
        data = (await request.json())["data"]
        row = (request.match_info["id"], json.dumps(data))
        self._run("INSERT OR REPLACE INTO documents VALUES (?, ?)", row)
        return web.json_response({"data": data, "status": "success"})


async def serve(path: Path, number: int) -> None:
    """Until it is killed."""
    documents = Documents(path)
    documents.fill(number)
    app = web.Application()
    app.add_routes([web.get("/{id}", documents.read), web.put("/{id}", documents.write)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"url": f"http://127.0.0.1:{runner.addresses[0][1]}"}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
