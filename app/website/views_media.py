"""Staff pages of the container: upload, describe, delete; the picture picker of the editor."""

from __future__ import annotations

from typing import Any

from flask import abort, jsonify, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from markupsafe import Markup
from wtforms import StringField, TextAreaField, validators

from app.core import formats
from app.core.access import allowed
from app.core.errors import DomainError, InvalidInput
from app.core.fields import RelatedField, ServiceForm, clean_text, no_control
from app.core.views import AdminInterface, AdminView, expose
from app.system import uploads
from app.website import container
from app.website.models import Media


class UploadForm(ServiceForm):
    file = FileField(_l("File"), description=_l("A picture (PNG, JPEG, GIF, WebP, at most 20 MB) or a film (MP4, WebM, at most 30 MB)."), render_kw={"accept": "image/png,image/jpeg,image/gif,image/webp,video/mp4,video/webm"})
    title = StringField(_l("Title"), [validators.Optional(), no_control, validators.Length(max=120)], filters=[clean_text], description=_l("For colleagues; the file's name when left empty."))
    alt = StringField(_l("Description of the picture"), [validators.Optional(), no_control, validators.Length(max=250)], filters=[clean_text],
                      description=_l("What it shows, for people who cannot see it and for search engines. Empty for mere decoration."))


class EditForm(UploadForm):
    file = None
    poster = RelatedField(_l("Still picture"), [validators.Optional()], model=Media, narrow=lambda query: query.where(Media.media_type.startswith("image/")),
                          description=_l("Shown before the film is played."))
    captions = TextAreaField(_l("Captions"), [validators.Optional(), no_control, validators.Length(max=container.CAPTIONS)], render_kw={"rows": 8},
                             description=_l("What is said in the film, as WebVTT: its first line is WEBVTT. Needed by people who cannot hear it."))


def given_file() -> tuple[str, bytes]:
    """Name and bytes of the one file of the request."""
    files = request.files.getlist("file")
    if len(files) != 1 or not files[0].filename:
        raise InvalidInput(_("Choose a file."), "file")
    return files[0].filename, files[0].stream.read(container.MOST + 1)


def thumbnail(media: Media, css: str = "media-thumb") -> Any:
    if media.is_film:
        return Markup('<video class="{}" src="{}" preload="metadata" muted></video>').format(css, media.path) if media.poster is None else thumbnail(media.poster, css)
    return Markup('<img class="{}" src="{}" alt="{}" loading="lazy">').format(css, media.path, media.alt)


class MediaView(AdminView):
    datamodel = AdminInterface(Media)
    route_base = "/website/container"
    list_title, add_title, edit_title = _l("Container"), _l("Upload"), _l("Describe")
    list_help = _l("Pictures and films of the website. What lies here can be seen by everybody who knows its address.")
    empty_text = _l("Upload a picture; then it can be put into pages.")
    show_page, list_template = "website/media.html", "website/media_list.html"
    list_columns = ["title", "preview", "media_type", "size", "alt", "created_at"]
    show_columns = ["title", "alt", "media_type", "size", "width", "height", "sha256", "poster", "created_at"]
    add_columns = ["title"]
    edit_columns = ["title", "alt", "poster", "captions"]
    search_columns = ["title", "media_type", "created_at"]
    order_columns = ["title", "size", "created_at"]
    base_order = ("", "desc")
    quick_search = ("title", "name", "alt")
    list_tabs = [("all", _l("All"), None), ("pictures", _l("Pictures"), Media.media_type.startswith("image/")), ("films", _l("Films"), Media.media_type.startswith("video/"))]
    deletable = True
    label_columns = {"alt": _l("Description of the picture"), "media_type": _l("Type"), "sha256": _l("Checksum (SHA-256)"), "poster": _l("Still picture"), "width": _l("Width in pixels"),
                     "height": _l("Height in pixels"), "created_at": _l("Uploaded"), "title": _l("Title"), "preview": _l("Preview")}
    formatters_columns = {"preview": thumbnail, "media_type": lambda value: value.partition("/")[2].upper(), "size": formats.size, "created_at": formats.instant, "width": lambda value: value, "height": lambda value: value,
                          "sha256": lambda value: Markup('<span class="hash">{}</span>').format(value)}
    edit_form_extra_fields = {name: getattr(EditForm, name) for name in ("title", "alt", "poster", "captions")}

    def raw(self, item: Media, column: str) -> Any:
        return item if column == "preview" else super().raw(item, column)

    def used(self, item: Media) -> list[tuple[str, str | None]]:
        return [(str(use), None if isinstance(use, str) else self.url_of_any(use)) for use in container.used_by(item)]

    def preview(self, item: Media) -> Any:
        if item.is_film:
            return Markup('<video class="media-preview" src="{}" controls preload="metadata"></video>').format(item.path)
        return thumbnail(item, "media-preview")

    @expose("/add", methods=["GET", "POST"])
    @allowed
    def add(self) -> Any:
        def save(form: UploadForm) -> Any:
            name, data = given_file()
            media, new = container.upload(name, data, form.title.data or "", form.alt.data or "")
            from flask import flash, redirect

            flash(_("%(name)s was uploaded.", name=media.title) if new else _("This file is in the container already."), "success" if new else "info")
            return redirect(self.url_of(media) or self.list_url(), 303)

        return self.form_page(UploadForm(), save, title=self.add_title, verb=_("Upload"), crumb=(self.list_title, self.list_url()), to=self.list_url(), in_transaction=False)

    def do_edit(self, item: Media, form: Any) -> None:
        container.change(item, form.title.data, form.alt.data, form.captions.data, form.poster.data)

    def do_delete(self, item: Media) -> None:
        container.delete(item)

    @expose("/pictures")
    @allowed("list")
    def pictures(self) -> Any:
        """For the editor: the newest pictures."""
        return jsonify([_brief(media) for media in container.pictures()])

    @expose("/pictures/add", methods=["POST"])
    @allowed("add")
    def pictures_add(self) -> Any:
        """For the editor: upload one picture without leaving the page."""
        try:
            name, data = given_file()
            media, _new = container.upload(name, data, alt=request.form.get("alt", ""), kinds=frozenset(uploads.IMAGES))
        except DomainError as error:
            return jsonify(error=str(error)), 422
        return jsonify(_brief(media))

    def head_title(self, item: Media) -> str:
        return item.title or abort(404)


def _brief(media: Media) -> dict[str, Any]:
    return {"url": media.path, "title": media.title, "alt": media.alt, "width": media.width, "height": media.height}


