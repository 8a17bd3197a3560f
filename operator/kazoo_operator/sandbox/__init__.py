"""A simulated Crossbar v2, KAZOO's REST API: a real HTTP server over a real SQLite database.

For tests, demonstrations and users' own CI. Knows nothing of the operator: the two agree only through HTTP.

    async with running_sandbox() as sandbox:
        sandbox.url, sandbox.identity.master.api_key
"""

from .seed import SeedRefused
from .server import Sandbox, running_sandbox
from .store import DatabaseRefused

__all__ = ["DatabaseRefused", "Sandbox", "SeedRefused", "running_sandbox"]
