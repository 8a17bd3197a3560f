"""Starting again what has ended, in the same process."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

_BASE, _CAP = 1.0, 30.0
_LASTED = 120.0

log = logging.getLogger(__name__)


async def supervise(attempt: Callable[[], Awaitable[None]], ended: Callable[[str], None]) -> None:
    """Run `attempt` for ever: whenever it ends or raises, it is started again after a growing pause.

    `ended` is told why. What lasted two minutes counts as having worked, so that the pause is short again.
    """
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        began = loop.time()
        try:
            await attempt()
            why = "it ended by itself"
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            why = "it was cancelled from within"
        except Exception as error:  # whatever it died of, it is started again
            said = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
            why = f"{type(error).__name__}: {said}".splitlines()[0][:300]
        failures = 1 if loop.time() - began > _LASTED else failures + 1
        pause = random.uniform(0.5, 1) * min(_CAP, _BASE * 2 ** min(failures - 1, 10))  # noqa: S311 (no secret)
        ended(why)
        log.warning("not watching: %s; it is tried again in %.1f s", why, pause)
        await asyncio.sleep(pause)
