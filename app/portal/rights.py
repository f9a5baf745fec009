"""What the role of a login allows. Whoever may nothing else may still look: `see`."""

from __future__ import annotations

from app.customers.account_models import AccountRole
from app.customers.models import Customer, CustomerKind
from app.system.settings import setting

LOOK = frozenset({"see"})
OF_ROLE: dict[AccountRole, frozenset[str]] = {
    AccountRole.OWNER: LOOK | {"licenses", "order", "groups", "money", "pay", "address", "logins", "data", "partner"},
    AccountRole.BILLING: LOOK | {"money", "pay", "address"},
    AccountRole.MANAGER: LOOK | {"licenses", "order", "groups", "partner"},
    AccountRole.READER: LOOK | {"money"},
}
# for customers of a sales partner: their money and their logins are their own
FOR_PARTNER = LOOK | {"licenses", "order", "groups", "address"}
# a person with a public license: what he has may be changed, more is ordered elsewhere
NOT_FOR_PUBLIC = frozenset({"order", "groups"})


def rights_of(role: AccountRole, customer: Customer, partner: bool, standing_in: bool) -> frozenset[str]:
    """`partner`: the customer sells to others; `standing_in`: the login is that of his sales partner."""
    rights = OF_ROLE[role]
    if customer.kind is CustomerKind.PUBLIC or not setting("portal.customers_order"):
        rights -= NOT_FOR_PUBLIC if customer.kind is CustomerKind.PUBLIC else {"order"}
    if standing_in:
        return rights & FOR_PARTNER
    return rights if partner else rights - {"partner"}
