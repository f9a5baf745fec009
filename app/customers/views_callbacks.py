"""Staff page of call-backs: who waits for a call, and what became of it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup, escape
from wtforms import TextAreaField, validators

from app.core import formats
from app.core.choices import language_name
from app.core.fields import ServiceForm, clean_text, no_control
from app.core.views import AdminInterface, AdminView, action
from app.customers.callback_models import Callback, CallbackState
from app.customers.callbacks import WAITING, settle
from app.customers.checks import phone_words
from app.customers.models import Customer

ORIGINS = {"portal": _l("Customer portal"), "website": _l("Website")}


class SettleForm(ServiceForm):
    note = TextAreaField(_l("Note"), [validators.Optional(), no_control, validators.Length(max=1000)], filters=[clean_text], description=_l("For colleagues."))


def _phone(value: str) -> Markup:
    words = phone_words(value).replace(" ", "\u00a0")
    return Markup('<a href="tel:{}">{}</a>').format(escape(value), words)


class CallbackView(AdminView):
    datamodel = AdminInterface(Callback)
    route_base = "/callbacks"
    list_title = _l("Call-backs")
    list_help = _l("Who wants to be called. The oldest is on top.")
    empty_text = _l("Customers ask for a call in the portal when the chat is closed; visitors on the website.")
    list_columns = ["name", "phone", "wished", "customer", "origin", "state", "created_at"]
    show_columns = ["name", "phone", "wished", "message", "customer", "language", "origin", "network_address", "state", "created_at", "note", "done_at", "done_by"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["name", "phone", "customer", "state", "origin", "created_at"]
    order_columns = ["created_at", "name"]
    base_order = ("created_at", "asc")
    quick_search = ("name", "phone")
    list_tabs = [("waiting", _l("To call"), Callback.state.in_(WAITING)), ("settled", _l("Settled"), Callback.state.not_in(WAITING)), ("all", _l("All"), None)]
    tab_of = (Customer,)
    tab_rank = 70
    main_actions = ("called", "unreached")
    label_columns = {"name": _l("Name"), "phone": _l("Phone"), "wished": _l("Wished time"), "message": _l("Message"), "origin": _l("Came from"), "network_address": _l("Network address"),
                     "created_at": _l("Asked for"), "note": _l("Note"), "done_at": _l("Settled"), "done_by": _l("Settled by")}
    formatters_columns = {"phone": _phone, "language": language_name, "origin": lambda value: str(ORIGINS.get(value, value)), "created_at": formats.instant, "done_at": formats.instant}

    def parent_column(self, parent: object) -> str | None:
        return "customer"

    def head_state(self, item: Callback) -> object:
        return formats.pill(item.state)

    @action("called", _l("Called"), _l("The person was called."), "fa-phone", form=SettleForm, multiple=False, when=lambda item: item.state in WAITING)
    def called(self, items: list[Callback], form: SettleForm) -> None:
        self._settle(items, CallbackState.DONE, form)

    @action("unreached", _l("Not reached"), _l("It stays in the list to be called again."), "fa-phone-slash", form=SettleForm, multiple=False, when=lambda item: item.state in WAITING)
    def unreached(self, items: list[Callback], form: SettleForm) -> None:
        self._settle(items, CallbackState.UNREACHED, form)

    @action("drop", _l("Drop"), _l("Nobody is called: a wrong number, spam, or settled otherwise."), "fa-xmark", form=SettleForm, multiple=False, when=lambda item: item.state in WAITING)
    def drop(self, items: list[Callback], form: SettleForm) -> None:
        self._settle(items, CallbackState.DROPPED, form)

    def _settle(self, items: list[Callback], state: CallbackState, form: SettleForm) -> None:
        self.each(items, lambda item: settle(item, state, form.note.data or ""), lambda n: ngettext("%(num)d call-back noted.", "%(num)d call-backs noted.", n))
