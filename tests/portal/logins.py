"""A customer at the portal: an account with a password, signed in."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

from flask import Flask

from app.core import clock
from app.core.db import transaction
from app.customers.account_models import AccountRole, AccountState, PortalAccount
from app.customers.account_passwords import hash_password
from app.customers.accounts import create_account, main_account
from app.customers.models import Customer
from tests.portal.visitors import PASSWORD, Visitor

_numbers = count(1)
_hash: list[str] = []


def add_login(customer: Customer, role: AccountRole = AccountRole.OWNER, login: str = "", name: str = "") -> PortalAccount:
    """An owner without `login` signs in with the customer number."""
    if role is not AccountRole.OWNER and not login:
        login = f"login{next(_numbers)}@example.org"
    account = (None if login else main_account(customer)) or create_account(customer, login, name, role)
    if not _hash:
        _hash.append(hash_password(PASSWORD))
    with transaction():
        account.password_hash, account.password_set_at, account.state = _hash[0], clock.now(), AccountState.ACTIVE
    return account


class Login(Visitor):
    """A signed-in browser."""

    def __init__(self, app: Flask, account: PortalAccount, password: str = PASSWORD):
        super().__init__(app)
        self.name, self._token = str(account), ""
        self.answer = self.sign_in(self.name, password)

    def sign_in(self, name: str, password: str) -> Any:
        return self.post("/portal/login", {"number": name, "password": password})

    def token(self) -> str:
        """Of this visit; asked for once."""
        if not self._token:
            self._token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get("/portal/account").text).group(1)
        return self._token

    def send(self, path: str, data: Any = None, **kwargs: Any) -> Any:
        """A form of the signed-in, with the token of his visit."""
        return self.http.post(path, data={"csrf_token": self.token(), **(data or {})}, environ_base=self.environ, **kwargs)


def enter(app: Flask, customer: Customer, role: AccountRole = AccountRole.OWNER) -> Login:
    return Login(app, add_login(customer, role))
