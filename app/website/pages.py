"""Pages: written, published, taken back, found by their address."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete as sql_delete
from sqlalchemy import select
from sqlalchemy.orm import defer

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InUse, InvalidInput
from app.core.fields import clean_text
from app.system.rich_text import LONGEST, clean_html, plain_text
from app.website.container import named_in, slug_of
from app.website.models import Media, MenuItem, Page, PageKind, PageState, Redirect, SiteForm

LANGUAGES = {"en": "en", "de": "de", "pt_BR": "pt-br"}       # language → part of the address
HOME = "home"
RESERVED = frozenset(form.value for form in SiteForm) | {"media", "sent"}
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LENGTHS = {"designation": 80, "menu_title": 40, "page_title": 120, "description": 300}
FIELDS = frozenset({"designation", "kind", "language", "slug", "menu_title", "page_title", "description", "body", "picture", "film", "in_footer"})
LIVE = ("menu_title", "page_title", "description", "body", "picture_id", "film_id", "in_footer")


def save_page(page: Page | None = None, **fields: Any) -> Page:
    """A new draft, or changes of a page; visitors see them when it is published. Raises InvalidInput with the field."""
    if unknown := set(fields) - FIELDS:
        raise InvalidInput(_("Unknown field: %(names)s", names=", ".join(sorted(unknown))))
    with transaction() as session:
        with session.no_autoflush:
            row = page if page is not None else Page(kind=PageKind.TEXT)
            old = (row.language, row.slug) if page is not None else None
            for name, value in fields.items():
                setattr(row, name, _clean(name, value))
            _check(row)
            row.changed_at = clock.now()
            for column in (Page.slug, Page.designation):
                if session.scalar(select(Page.id).where(column == getattr(row, column.key), Page.language == row.language, Page.id != (row.id or 0))) is not None:
                    raise InvalidInput(_("Another page of this language has this already."), column.key)
            session.add(row)
            session.flush()
            if old is not None and old != (row.language, row.slug):
                session.execute(sql_delete(Redirect).where(Redirect.language == old[0], Redirect.slug == old[1]))
                session.add(Redirect(language=old[0], slug=old[1], page_id=row.id))
            session.execute(sql_delete(Redirect).where(Redirect.language == row.language, Redirect.slug == row.slug))
            session.flush()
        return row


def _clean(name: str, value: Any) -> Any:
    if name == "body":
        if len(value or "") > LONGEST:
            raise InvalidInput(_("At most %(n)d characters.", n=LONGEST), name)
        return clean_html(value or "")
    if name in LENGTHS:
        text = " ".join((clean_text(value) or "").split())
        if len(text) > LENGTHS[name]:
            raise InvalidInput(_("At most %(n)d characters.", n=LENGTHS[name]), name)
        return text
    if name == "slug":
        return (clean_text(value) or "").lower()
    return value


def _check(row: Page) -> None:
    if row.language not in LANGUAGES:
        raise InvalidInput(_("Choose one of the list."), "language")
    if not row.designation:
        raise InvalidInput(_("Name the page."), "designation")
    row.menu_title = row.menu_title or row.designation[:40]
    row.page_title = row.page_title or row.menu_title
    row.slug = row.slug or slug_of(row.menu_title)[:80].strip("-")
    if not SLUG.fullmatch(row.slug) or len(row.slug) > 80:
        raise InvalidInput(_("The short name has small letters, digits and hyphens, for example our-devices."), "slug")
    if row.slug in RESERVED:
        raise InvalidInput(_("This short name belongs to a form of the website. Choose another one."), "slug")
    if row.picture is not None and row.picture.is_film:
        raise InvalidInput(_("Choose a picture, not a film."), "picture")
    if row.film is not None and not row.film.is_film:
        raise InvalidInput(_("Choose a film, not a picture."), "film")
    if row.kind is PageKind.FILM and row.film is None:
        raise InvalidInput(_("A film page needs a film of the container."), "film")
    if row.kind is PageKind.TEXT:
        row.film = None


def is_changed(page: Page) -> bool:
    """Are there changes that visitors do not see yet?"""
    return page.live is not None and page.live != snapshot(page)


def snapshot(page: Page) -> dict[str, Any]:
    return {name: getattr(page, name) for name in LIVE}


def publish(page: Page) -> None:
    """What staff sees now is what visitors see from now on."""
    with transaction() as session:
        session.flush()
        if page.kind is PageKind.TEXT and not plain_text(page.body) and not named_in(page.body):
            raise InvalidInput(_("The page is empty. Write something before it is published."), "body")
        if page.state is not PageState.PUBLISHED:
            page.move_to(PageState.PUBLISHED)
        page.live, page.published_at = snapshot(page), clock.now()
        session.flush()


def withdraw(page: Page) -> None:
    """Visitors no longer see it; the text stays."""
    with transaction() as session:
        page.move_to(PageState.DRAFT)
        page.live = None
        session.flush()


def delete_page(page: Page) -> None:
    with transaction() as session:
        if page.state is PageState.PUBLISHED:
            raise InvalidInput(_("Visitors see this page. Withdraw it first."))
        entries = list(session.scalars(select(MenuItem).where(MenuItem.page_id == page.id)))
        if entries:
            raise InUse(_("%(name)s is in the menu. Take the entry “%(entry)s” out first.", name=str(page), entry=str(entries[0])))
        session.execute(sql_delete(Redirect).where(Redirect.page_id == page.id))
        session.delete(page)
        session.flush()


def path_of(page: Page) -> str:
    return f"/{LANGUAGES[page.language]}/" + ("" if page.slug == HOME else page.slug)


def find(language: str, slug: str) -> Page | None:
    """The published page of an address."""
    return db.session.scalar(select(Page).where(Page.language == language, Page.slug == slug, Page.state == PageState.PUBLISHED))


def moved(language: str, slug: str) -> Page | None:
    """The published page that had this address before."""
    return db.session.scalar(select(Page).join(Redirect, Redirect.page_id == Page.id).where(Redirect.language == language, Redirect.slug == slug, Page.state == PageState.PUBLISHED))


def translations(page: Page) -> list[Page]:
    """The same page in all languages in which it is published, in their order."""
    order = list(LANGUAGES)
    found = db.session.scalars(select(Page).where(Page.designation == page.designation, Page.state == PageState.PUBLISHED)).all()
    return sorted(found, key=lambda other: order.index(other.language))


def published() -> list[Page]:
    """For menus and lists: without the texts that staff works on."""
    return list(db.session.scalars(select(Page).options(defer(Page.body)).where(Page.state == PageState.PUBLISHED).order_by(Page.language, Page.slug)))


def picture_of(values: dict[str, Any], name: str) -> Media | None:
    key = values.get(name)
    return db.session.get(Media, key) if isinstance(key, int) else None
