"""Staff pages of portal accounts, and what can be done for a customer's account from his page and from the list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import StringField, validators

from app.catalog.models import LANGUAGES
from app.core import formats
from app.core.choices import ListedField, language_name
from app.core.fields import EnumField, RelatedField, Required, ServiceForm, clean_text, no_control
from app.core.page_parts import to_lookup
from app.core.states import word
from app.core.views import AdminInterface, AdminView, action, with_row
from app.customers import accounts
from app.customers.account_models import AccountCustomer, AccountRole, AccountState, PortalAccount
from app.customers.forms import customer_field
from app.customers.models import Customer, CustomerState


def alive(customer: Customer) -> bool:
    return customer.state is not CustomerState.DELETED


class AccountActions:
    """Buttons of a customer's page and of the bulk bar of the customers' list."""

    each: Callable[..., None]

    @action("welcome", _l("Send welcome e-mail"), _l("The customer gets a link by which he chooses his password. A password is never mailed."), "fa-envelope-open-text",
            when=lambda item: alive(item) and not has_password(item))
    def welcome(self, items: list[Customer]) -> None:
        self.each(items, accounts.send_welcome, lambda n: ngettext("%(num)d welcome e-mail is on its way.", "%(num)d welcome e-mails are on their way.", n))

    @action("password_link", _l("Send password link"), _l("The customer gets a link by which he chooses a new password. The present one works until he does; older links end."), "fa-key",
            when=lambda item: alive(item) and has_password(item))
    def password_link(self, items: list[Customer]) -> None:
        self.each(items, accounts.send_customer_password_link, lambda n: ngettext("%(num)d password link is on its way.", "%(num)d password links are on their way.", n))


def has_password(customer: Customer) -> bool:
    known: dict[int, bool] = g.setdefault("ptt_has_password", {})       # two buttons of a page ask
    if customer.id not in known:
        account = accounts.main_account(customer)
        known[customer.id] = account is not None and account.password_hash is not None
    return known[customer.id]


@with_row
def access_words(_value: Any, item: PortalAccount) -> str:
    return "; ".join(f"{link.customer.company} ({word(link.role)})" for link in item.links)


class AccessForm(ServiceForm):
    customer = customer_field()
    role = EnumField(_l("Role"), [Required()], kind=AccountRole, default=AccountRole.MANAGER)


class RemoveForm(ServiceForm):
    customer = RelatedField(_l("Customer"), [Required()], model=Customer, lookup=to_lookup(Customer))


class PortalAccountView(AdminView):
    """Who may sign in for a customer. A customer's page shows the accounts that see him, also those of others."""

    datamodel = AdminInterface(PortalAccount)
    route_base = "/portal-accounts"
    list_title, add_title = _l("Portal accounts"), _l("New portal account")
    list_help = _l("Who signs in for customers. Nobody but the owner of an account can choose its password.")
    empty_text = _l("The welcome e-mail makes the first account of a customer: he signs in with his customer number.")
    list_columns = ["signs_in", "name", "customer", "state", "last_login_at", "created_at"]
    show_fieldsets = [(_l("Account"), {"fields": ["signs_in", "name", "language", "mail_to"]}), (_l("Access"), {"fields": ["access", "password_set_at", "last_login_at", "created_at"]})]
    add_columns = ["customer", "login", "name", "role", "language"]
    edit_columns: list[str] = []
    search_columns = ["customer", "state", "login", "last_login_at"]
    order_columns = ["last_login_at", "created_at"]
    base_order = ("", "desc")
    quick_search = ("login", "name")
    tab_of = (Customer,)
    tab_rank = 60
    main_actions = ("send_link", "enable", "give_access", "disable")
    narrow = {"customer": lambda query: query.where(Customer.state != CustomerState.DELETED)}
    label_columns = {"signs_in": _l("Signs in with"), "login": _l("E-mail to sign in with"), "mail_to": _l("E-mails go to"), "access": _l("Acts for"), "role": _l("Role"),
                     "password_set_at": _l("Password chosen"), "last_login_at": _l("Last sign-in")}
    add_form_extra_fields = {
        "login": StringField(_l("E-mail to sign in with"), [validators.Optional(), no_control, validators.Length(max=254)], filters=[clean_text],
                             description=_l("Of a further person. Leave it empty for the customer's main account, which signs in with the customer number.")),
        "role": EnumField(_l("Role"), [Required()], kind=AccountRole, default=AccountRole.OWNER),
        "language": ListedField(_l("Language"), [validators.Optional()], listed=lambda: [(code, language_name(code)) for code in LANGUAGES], blank=_l("That of the customer")),
    }
    formatters_columns = {"language": language_name, "created_at": formats.instant, "access": access_words}

    def where_parent(self, parent: Any) -> Any:
        return PortalAccount.links.any(AccountCustomer.customer_id == parent.id)

    def parent_column(self, parent: Any) -> str | None:
        return "customer"

    def raw(self, item: PortalAccount, column: str) -> Any:
        if column == "signs_in":
            return str(item)
        if column == "mail_to":
            return accounts.address_of(item)
        return super().raw(item, column)

    def head_title(self, item: PortalAccount) -> str:
        return str(item)

    def do_add(self, form: Any) -> PortalAccount:
        return accounts.create_account(form.customer.data, form.login.data or "", form.name.data or "", form.role.data, form.language.data or "")

    @action("send_link", _l("Send password link"), _l("A link to choose a password goes to the stored address. Older links end."), "fa-key",
            when=lambda item: item.state is not AccountState.DISABLED)
    def send_link(self, items: list[PortalAccount]) -> None:
        self.each(items, accounts.send_password_link, lambda n: ngettext("%(num)d password link is on its way.", "%(num)d password links are on their way.", n))

    @action("disable", _l("Disable"), _l("Nobody gets in with the account any more, and whoever is signed in is signed out."), "fa-user-slash", danger=True,
            when=lambda item: item.state is not AccountState.DISABLED)
    def disable(self, items: list[PortalAccount]) -> None:
        self.each(items, accounts.disable, lambda n: ngettext("%(num)d account disabled.", "%(num)d accounts disabled.", n))

    @action("enable", _l("Enable"), _l("The account works again, with the password that it had."), "fa-user-check", when=lambda item: item.state is AccountState.DISABLED)
    def enable(self, items: list[PortalAccount]) -> None:
        self.each(items, accounts.enable, lambda n: ngettext("%(num)d account enabled.", "%(num)d accounts enabled.", n))

    @action("give_access", _l("Give access"), _l("The account may act for a further customer, or in another role for one that it acts for."), "fa-link", multiple=False, form=AccessForm)
    def give_access(self, items: list[PortalAccount], form: Any) -> None:
        self.each(items, lambda item: accounts.set_access(item, form.customer.data, form.role.data),
                  lambda n: _("The account acts for %(name)s.", name=form.customer.data.company))

    @action("take_access", _l("Take away access"), _l("The account no longer acts for this customer."), "fa-link-slash", multiple=False, danger=True, form=RemoveForm,
            when=lambda item: len(item.links) > 1)
    def take_access(self, items: list[PortalAccount], form: Any) -> None:
        self.each(items, lambda item: accounts.set_access(item, form.customer.data, None), lambda n: _("The access to %(name)s was taken away.", name=form.customer.data.company))
