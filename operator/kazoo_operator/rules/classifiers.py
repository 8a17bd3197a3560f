"""The classes of numbers that KAZOO knows as it comes; a system may have others."""

from __future__ import annotations

STOCK = ("tollfree_us", "toll_us", "emergency", "caribbean", "did_us", "international", "unknown")
KNOWN = (*STOCK, "closed_groups")
