"""Has a table whose name could be anybody's."""

from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column

from app.plugin_api import Plugin


class Thing(Model):
    __tablename__ = "thing_of_nobody"

    id: Mapped[int] = mapped_column(primary_key=True)


class Broken(Plugin):
    name = "bare_table"
    title = "Table without prefix"
