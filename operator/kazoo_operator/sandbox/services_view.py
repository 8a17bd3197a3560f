"""What an account pays and would pay, as it is answered: the bill, and everything that it is made of."""

from __future__ import annotations

from typing import Any

from . import assigning, billing, invoice, owner
from .account import Account
from .call import Call, Reply
from .clock import GREGORIAN_EPOCH
from .invoice import Bill
from .services import Services

STANDING = {"acceptable": True, "reason": "good standing not required"}
MONTHLY = {"period": 1, "unit": "month"}


def summary(call: Call) -> Reply:
    """The bill, and everything it is made of."""
    account = owner.billed(call)
    services = owner.services(call)
    return Reply(_summarised(call, account, services, billing.current(call.world, account)))


def quote(call: Call) -> Reply:
    """The bill as if only the plans in the body were assigned; it assigns nothing."""
    account = owner.billed(call)
    services = owner.services(call)
    services.plans = {}
    services = assigning.assigned(services, call.data, account.reseller_id, merge=call.flag("merge"))
    call.before_execution()
    bill = billing.quoted(call.world, account, services.plans, services.overrides)
    return Reply(_summarised(call, account, services, bill))


def _summarised(call: Call, account: Account, services: Services, bill: Bill) -> dict[str, Any]:
    world = call.world
    applications = billing.applications(world, services.plans, services.overrides)
    return {
        "plans": services.plans,
        "overrides": services.overrides,
        "invoices": invoice.printed(bill),
        "quantities": billing.quantities(world, account).shown(),
        "reseller": {"id": account.reseller_id, "is_reseller": account.is_reseller},
        "ratedeck": {},
        "applications": applications,
        "limits": world.limits.made(account.id).public,
        "im": {},
        "payment_tokens": {},
        "billing_cycle": {"next": int(world.clock.month_ends()) + GREGORIAN_EPOCH, **MONTHLY},
        "status": STANDING,
    }
