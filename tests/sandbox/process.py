"""The sandbox as its users start it: a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


async def started(*arguments: str) -> asyncio.subprocess.Process:
    """A process with these arguments."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "kazoo_operator", "sandbox", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def ready_line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """What it prints when it listens."""
    assert process.stdout is not None
    line = await process.stdout.readline()
    assert line, await failure(process)
    found: dict[str, Any] = json.loads(line)
    return found


async def failure(process: asyncio.subprocess.Process) -> tuple[int, str]:
    """The exit code and what was said, of one that does not run."""
    stdout, stderr = await process.communicate()
    assert process.returncode is not None
    assert not stdout
    return process.returncode, stderr.decode()


@asynccontextmanager
async def serving(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """A sandbox on a free port, and its ready line; killed at the end if it still runs."""
    process = await started("--port", "0", *arguments)
    try:
        yield process, await ready_line(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
