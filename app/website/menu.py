"""The menu: entries of a language, their order by hand, and what visitors see of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.fields import clean_text
from app.system.settings import setting
from app.website.models import MenuItem, PageState, SiteForm, TargetKind
from app.website.pages import LANGUAGES, path_of

TITLES = {SiteForm.REGISTER: _l("Register"), SiteForm.REGISTER_PUBLIC: _l("Public license"), SiteForm.CONTACT: _l("Call-back"), SiteForm.PASSWORD: _l("Request a password"),
          SiteForm.PORTAL: _l("Customer portal")}
MOST = 100              # entries of a language
SWITCHES = {SiteForm.REGISTER: "website.register", SiteForm.REGISTER_PUBLIC: "website.register_public", SiteForm.CONTACT: "website.contact"}
FIELDS = frozenset({"language", "title", "kind", "page", "form", "address", "parent"})


@dataclass
class Entry:
    """As a visitor sees it; `url` is empty for a heading."""

    title: str
    url: str
    entries: list[Entry] = field(default_factory=list)


def save_item(item: MenuItem | None = None, **fields: Any) -> MenuItem:
    """A new entry goes to the end, also one that comes from another language. Raises InvalidInput with the field."""
    if unknown := set(fields) - FIELDS:
        raise InvalidInput(_("Unknown field: %(names)s", names=", ".join(sorted(unknown))))
    with transaction() as session, session.no_autoflush:
        row, before = (item, item.language) if item is not None else (MenuItem(title="", address="", kind=TargetKind.PAGE), "")
        for name, value in fields.items():
            setattr(row, name, (clean_text(value) or "") if name in ("title", "address") else value)
        _check(row)
        if row.language != before:
            along = _taken_along(row)
            count = session.scalar(select(func.count()).select_from(MenuItem).where(MenuItem.language == row.language)) or 0
            if count + len(along) >= MOST:
                raise InvalidInput(_("A menu has at most %(n)d entries.", n=MOST))
            last = session.scalar(select(func.max(MenuItem.position)).where(MenuItem.language == row.language)) or 0
            for position, entry in enumerate((row, *along), last + 1):
                entry.language, entry.position = row.language, position
        session.add(row)
        session.flush()
        return row


def _taken_along(row: MenuItem) -> list[MenuItem]:
    """What stands below an entry goes with it into another language, else it would be shown nowhere; a page cannot, it is of one language."""
    below = list(db.session.scalars(select(MenuItem).where(MenuItem.parent_id == row.id).order_by(MenuItem.position, MenuItem.id))) if row.id else []
    for child in below:
        if child.page is not None and child.page.language != row.language:
            raise InvalidInput(_("Below it stands the page “%(page)s”, which is of another language. Take that entry out from below first.", page=child), "language")
    return below


def _check(row: MenuItem) -> None:
    if row.language not in LANGUAGES:
        raise InvalidInput(_("Choose one of the list."), "language")
    row.page = row.page if row.kind is TargetKind.PAGE else None
    row.form = row.form if row.kind is TargetKind.FORM else None
    row.address = row.address if row.kind is TargetKind.ADDRESS else ""
    if row.kind is TargetKind.PAGE and row.page is None:
        raise InvalidInput(_("Choose the page."), "page")
    if row.page is not None and row.page.language != row.language:
        raise InvalidInput(_("This page is of another language."), "page")
    if row.kind is TargetKind.FORM and row.form is None:
        raise InvalidInput(_("Choose the form."), "form")
    if row.kind is TargetKind.ADDRESS:
        check_address(row.address)
    if not row.title and row.kind in (TargetKind.ADDRESS, TargetKind.HEADING):
        raise InvalidInput(_("Enter what the menu shows."), "title")
    if len(row.title) > 40:
        raise InvalidInput(_("At most %(n)d characters.", n=40), "title")
    _check_parent(row, row.parent)


def _check_parent(row: MenuItem, parent: MenuItem | None) -> None:
    if parent is None:
        return
    if parent is row or parent.parent_id is not None or parent.language != row.language:
        raise InvalidInput(_("An entry can stand below an entry of the first level, not deeper."), "parent")
    if row.id and db.session.scalar(select(MenuItem.id).where(MenuItem.parent_id == row.id).limit(1)) is not None:
        raise InvalidInput(_("This entry has others below it, so it stays on the first level."), "parent")


def check_address(address: str) -> None:
    """A path of this site, or an address with https, http, mailto or tel."""
    if len(address) > 300 or re.search(r"[\s\\\x00-\x1f\x7f]", address):
        raise InvalidInput(_("An address has no blanks and at most 300 characters."), "address")
    if address.startswith("/") and not address.startswith("//"):
        return
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if not (parts.scheme in ("http", "https") and parts.hostname) and not (parts.scheme in ("mailto", "tel") and parts.path):
        raise InvalidInput(_("Enter a whole address, for example https://www.example.org, or a path of this site such as /portal/."), "address")


def delete_item(item: MenuItem) -> None:
    """With what stands below it."""
    with transaction() as session:
        for child in session.scalars(select(MenuItem).where(MenuItem.parent_id == item.id)):
            session.delete(child)
        session.flush()
        session.delete(item)
        session.flush()


def items(language: str) -> list[tuple[MenuItem, list[MenuItem]]]:
    """All entries of the first level in their order, each with those below it."""
    rows = db.session.scalars(select(MenuItem).where(MenuItem.language == language).order_by(MenuItem.position, MenuItem.id)).all()
    return [(row, [child for child in rows if child.parent_id == row.id]) for row in rows if row.parent_id is None]


def arrange(language: str, order: list[tuple[int, int | None]]) -> None:
    """The whole order of a language at once: (entry, entry above it or None), as dragged. All or nothing."""
    with transaction() as session:
        rows = {row.id: row for row in session.scalars(select(MenuItem).where(MenuItem.language == language).with_for_update())}
        tops = {key for key, parent in order if parent is None}
        if len(order) != len(rows) or {key for key, _parent in order} != set(rows) or any(parent is not None and parent not in tops for _key, parent in order):
            raise InvalidInput(_("The menu was changed meanwhile. Load the page again; nothing was changed."))
        for position, (key, parent) in enumerate(order, 1):
            rows[key].position, rows[key].parent_id = position, parent
        session.flush()


def move(item: MenuItem, how: str) -> None:
    """`up`, `down` among its neighbours; `in` below the entry before it, `out` to the first level."""
    tree = items(item.language)
    order: list[list[int]] = [[top.id, *(child.id for child in children)] for top, children in tree]
    place = next(index for index, branch in enumerate(order) if item.id in branch)
    branch = order[place]
    if branch[0] == item.id:
        other = place + {"up": -1, "down": 1}.get(how, 0)
        if how == "in":
            if place == 0 or len(branch) > 1:
                raise InvalidInput(_("It cannot stand below another entry here."))
            order[place - 1].append(order.pop(place)[0])
        elif other != place and 0 <= other < len(order):
            order[place], order[other] = order[other], order[place]
    else:
        index = branch.index(item.id)
        other = index + {"up": -1, "down": 1}.get(how, 0)
        if how == "out":
            branch.remove(item.id)
            order.insert(place + 1, [item.id])
        elif other != index and 1 <= other < len(branch):
            branch[index], branch[other] = branch[other], branch[index]
    arrange(item.language, [(key, None if index == 0 else branch[0]) for branch in order for index, key in enumerate(branch)])


def form_url(form: SiteForm, language: str) -> str | None:
    """Where a form is, or None when it is switched off."""
    if form is SiteForm.PORTAL:
        return "/portal/"
    if form is SiteForm.PASSWORD:
        return f"/portal/password?lang={language}"
    return f"/{LANGUAGES[language]}/{form.value}" if setting(SWITCHES[form]) else None


def shown(language: str) -> list[Entry]:
    """What a visitor may open: no drafts, no forms that are off, no heading without entries."""
    found = []
    for row, children in items(language):
        below = [entry for child in children if (entry := _entry(child)) is not None]
        entry = _entry(row)
        if entry is None and below:
            entry = Entry(str(row), "")
        if entry is not None and (entry.url or below):
            entry.entries = below
            found.append(entry)
    return found


def _entry(row: MenuItem) -> Entry | None:
    if row.kind is TargetKind.HEADING:
        return Entry(row.title, "")
    if row.kind is TargetKind.ADDRESS:
        return Entry(row.title, row.address)
    if row.kind is TargetKind.FORM and row.form is not None:
        url = form_url(row.form, row.language)
        return Entry(row.title or str(TITLES[row.form]), url) if url else None
    if row.page is None or row.page.state is not PageState.PUBLISHED or row.page.live is None:
        return None
    return Entry(row.title or str(row.page.live["menu_title"]), path_of(row.page))
