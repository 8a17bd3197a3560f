"""The forms of a CreditPolicy's texts."""

from __future__ import annotations

import re

from kazoo_operator.core.charges import amount_meant
from kazoo_operator.core.form import Form

GRANTED = Form(
    pattern=r"^[1-9][0-9]{0,8}(\.[0-9]{1,4})?$",
    shortest=1,
    longest=14,
    what='amount of at least 1: digits, at most four of them behind a point, as "25.00"',
    meant=amount_meant,
)
POSITIVE = Form(
    pattern=r"^([1-9][0-9]{0,8}(\.[0-9]{1,4})?|"
    r"0\.([1-9][0-9]{0,3}|0[1-9][0-9]{0,2}|00[1-9][0-9]?|000[1-9]))$",
    shortest=1,
    longest=14,
    what='amount above 0: digits, at most four of them behind a point, as "25.00"',
    meant=amount_meant,
)
GRANT_ID = Form(
    pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
    shortest=1,
    longest=64,
    what="id of a grant: 1 to 64 of A-Z a-z 0-9 . _ - that begin with a letter or a digit",
    meant=lambda text: re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("._-"),
)
DATE = Form(
    pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
    shortest=10,
    longest=10,
    what="date: year, month and day, as 2026-11-28",
    meant=lambda text: re.sub(r"[./]", "-", text.partition("T")[0]),
)
