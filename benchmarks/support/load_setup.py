"""Prepares an installation for a load benchmark, in a process of its own. What the benchmark needs to know is printed as JSON.

`tables NAME PASSWORD`: schema, roles, an administrator. `logins N PASSWORD`: N customers who may sign in. `chats N`: as many with a
session and a conversation. `orders N`: a lock or unlock of as many licenses waits for its server.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from sqlalchemy import case, select, update

from app.core import clock
from app.core.actor import Actor, acting
from app.core.db import db, transaction
from app.customers.models import Customer, CustomerKind, CustomerState
from app.factory import create_app
from app.system.settings import change_settings


def tables(name: str, password: str) -> None:
    from app.admin.setup import set_administrator, setup_all
    from app.chat.hours import DAYS

    setup_all()
    change_settings({"staff.require_second_factor": False, "chat.holidays": False, **{f"chat.{day}": "00:00-24:00" for day in DAYS}})
    set_administrator(name, password)


def logins(count: str, password: str) -> list[str]:
    """Their customer numbers."""
    from app.customers.account_passwords import hash_password

    stored = hash_password(password)
    with transaction():
        return [_account(owner, stored).customer.number for owner in _owners(int(count))]


def _owners(count: int) -> list[Customer]:
    found = db.session.scalars(select(Customer).where(Customer.kind == CustomerKind.CLOSED, Customer.state == CustomerState.ACTIVE, Customer.lock_reasons == 0).order_by(Customer.id).limit(count)).all()
    if len(found) < count:
        raise SystemExit(f"there are {len(found)} customers only")
    return list(found)


def _account(owner: Customer, stored: str | None = None) -> Any:
    from app.customers.account_models import AccountState
    from app.customers.accounts import create_account, main_account

    account = main_account(owner) or create_account(owner)
    with transaction():
        account.state, account.password_set_at = AccountState.ACTIVE, clock.now()
        account.password_hash = stored or account.password_hash
    return account


def chats(count: str) -> list[dict[str, Any]]:
    from app.chat import services
    from app.customers import account_sessions

    found = []
    with transaction():
        for owner in _owners(int(count)):
            account = _account(owner)
            message = services.write(owner, account.id, owner.contact, "en", f"first-{owner.id:08d}", "Hello")
            found.append({"token": account_sessions.start(account), "conversation": message.conversation_id})
    return found


def orders(count: str) -> None:
    """A change for so many licenses that live on the server, as the hourly run orders locks."""
    from app.licenses.models import License, LicenseState
    from app.licenses.orders import want_licenses

    with transaction() as session:
        chosen = License.id.in_(select(License.id).where(License.state == LicenseState.ACTIVE).order_by(License.id).limit(int(count)))
        session.execute(update(License).where(chosen).values(lock_reasons=case((License.lock_reasons == 0, 1), else_=0)).execution_options(synchronize_session=False))
        want_licenses(session, chosen)


def main(what: str, *arguments: str) -> None:
    with create_app().app_context(), acting(Actor("cli", "benchmark")):
        work: dict[str, Any] = {"tables": tables, "logins": logins, "chats": chats, "orders": orders}
        print(json.dumps(work[what](*arguments)))


if __name__ == "__main__":
    main(*sys.argv[1:])
