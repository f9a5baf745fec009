"""Tables of the website: the container, pages, old addresses of pages, the menu."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.states import Stateful, name_states, word
from app.core.types import UTCDateTime, words
from app.system.models import Document


class PageKind(enum.Enum):
    TEXT = "text"
    FILM = "film"


class PageState(enum.Enum):
    DRAFT = "draft"
    PUBLISHED = "published"


class TargetKind(enum.Enum):
    PAGE = "page"
    FORM = "form"
    ADDRESS = "address"
    HEADING = "heading"         # leads nowhere, opens what is under it


class SiteForm(enum.Enum):
    REGISTER = "register"
    REGISTER_PUBLIC = "register-public"
    CONTACT = "contact"
    PASSWORD = "password"
    PORTAL = "portal"


class Media(Model):
    """A picture or film of the container. Everything in it is public under /media/<id>/<name>."""

    __tablename__ = "website_media"
    __protocol__ = "settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(120))
    alt: Mapped[str] = mapped_column(String(250), default="")           # what a picture shows, for who cannot see it
    name: Mapped[str] = mapped_column(String(120))                      # part of the address
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), unique=True)        # of the stored bytes: a file is there once
    given_sha256: Mapped[str] = mapped_column(String(64))               # of the bytes that were uploaded
    width: Mapped[int | None]
    height: Mapped[int | None]
    captions: Mapped[str] = mapped_column(Text, default="")             # WebVTT, of a film
    document_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("document.id"), unique=True)
    poster_id: Mapped[int | None] = mapped_column(ForeignKey("website_media.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    document: Mapped[Document] = relationship()
    poster: Mapped[Media | None] = relationship(remote_side=id)

    @property
    def is_film(self) -> bool:
        return self.media_type.startswith("video/")

    @property
    def path(self) -> str:
        return f"/media/{self.id}/{self.name}"

    def __str__(self) -> str:
        return self.title


class Page(Stateful, Model):
    """`live` is what visitors see, {field: value} of the last publishing; the columns are what staff works on.

    Pages with the same designation are one page in several languages. `slug` counts at once, the old one leads on.
    """

    __tablename__ = "website_page"
    __table_args__ = (UniqueConstraint("language", "slug"), UniqueConstraint("designation", "language"))
    __protocol__ = "settings"
    __protocol_skip__ = ("body", "live", "version")
    ARROWS = frozenset({(PageState.DRAFT, PageState.PUBLISHED), (PageState.PUBLISHED, PageState.DRAFT)})

    id: Mapped[int] = mapped_column(primary_key=True)
    designation: Mapped[str] = mapped_column(String(80))
    kind: Mapped[PageKind] = mapped_column(words(PageKind), default=PageKind.TEXT)
    language: Mapped[str] = mapped_column(String(5), default="en")
    slug: Mapped[str] = mapped_column(String(80))
    menu_title: Mapped[str] = mapped_column(String(40))
    page_title: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(String(300), default="")
    body: Mapped[str] = mapped_column(Text, default="")
    picture_id: Mapped[int | None] = mapped_column(ForeignKey("website_media.id"))
    film_id: Mapped[int | None] = mapped_column(ForeignKey("website_media.id"))
    in_footer: Mapped[bool] = mapped_column(default=False)
    state: Mapped[PageState] = mapped_column(words(PageState), default=PageState.DRAFT)
    live: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    version: Mapped[int] = mapped_column(default=1)

    picture: Mapped[Media | None] = relationship(foreign_keys=picture_id)
    film: Mapped[Media | None] = relationship(foreign_keys=film_id)

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return f"{self.designation} ({self.language.replace('_', '-')})"


class Redirect(Model):
    """An address that a page had before."""

    __tablename__ = "website_redirect"
    __table_args__ = (UniqueConstraint("language", "slug"), Index(None, "page_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(String(5))
    slug: Mapped[str] = mapped_column(String(80))
    page_id: Mapped[int] = mapped_column(ForeignKey("website_page.id", ondelete="CASCADE"))


class MenuItem(Model):
    """An entry of the menu; at most one level below the first."""

    __tablename__ = "website_menu_item"
    __table_args__ = (Index(None, "language", "position"), Index(None, "page_id"))
    __protocol__ = "settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(String(5), default="en")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("website_menu_item.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(default=0)
    title: Mapped[str] = mapped_column(String(40), default="")          # empty: the page's menu title
    kind: Mapped[TargetKind] = mapped_column(words(TargetKind), default=TargetKind.PAGE)
    page_id: Mapped[int | None] = mapped_column(ForeignKey("website_page.id"))
    form: Mapped[SiteForm | None] = mapped_column(words(SiteForm))
    address: Mapped[str] = mapped_column(String(300), default="")

    page: Mapped[Page | None] = relationship()
    parent: Mapped[MenuItem | None] = relationship(remote_side=id)

    def __str__(self) -> str:
        return self.title or (self.page.menu_title if self.page else word(self.form))


name_states({
    PageState.DRAFT: (_l("Draft"), ""), PageState.PUBLISHED: (_l("Published"), "ok"), PageKind.TEXT: (_l("Text"), ""), PageKind.FILM: (_l("Film"), ""),
    TargetKind.PAGE: (_l("Page"), ""), TargetKind.FORM: (_l("Form"), ""), TargetKind.ADDRESS: (_l("Address"), ""), TargetKind.HEADING: (_l("Heading without a page"), ""),
    SiteForm.REGISTER: (_l("Registration, closed groups"), ""), SiteForm.REGISTER_PUBLIC: (_l("Registration, public licenses"), ""), SiteForm.CONTACT: (_l("Call-back"), ""),
    SiteForm.PASSWORD: (_l("Request a password"), ""), SiteForm.PORTAL: (_l("Customer portal"), ""),
})
