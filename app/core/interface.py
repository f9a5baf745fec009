"""Reads of a list page: bounded counts, no N+1, scoped rows. Used by the views of `app/core/views.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import ARRAY, Select, any_, func, literal, literal_column, select, text
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.sql import ColumnElement

from app.core.db import db, is_postgresql
from app.core.fields import LARGEST_ID
from app.core.own_rows import own

COUNT_LIMIT = 10_000       # more rows than this are not counted one by one, and not paged to
FOUND_LIMIT = 1_000        # the same where texts are compared, which takes longer
NOTHING: Mapping[str, Any] = {}
ESTIMATE_FROM = 100_000    # above, an unfiltered PostgreSQL table is estimated


@dataclass(frozen=True)
class Count:
    """How many rows: `exact`, or at least `number` (a filtered list), or about `number` (a big table)."""

    number: int
    exact: bool = True
    estimated: bool = False

    @property
    def reachable(self) -> int:
        """Rows that paging can reach; deeper ones are found by filters and order."""
        return min(self.number, COUNT_LIMIT)


class AdminInterface(SQLAInterface):
    """FAB's interface with the view's scope in every read. `scope()` gives WHERE clauses, set by the view."""

    def __init__(self, obj: Any, session: Any = None):
        super().__init__(obj, session)
        self.scope: Any = tuple

    def limits(self) -> list[Any]:
        """WHERE of every read: the view's scope, and the customers of a reader who has only his own."""
        return [*self.scope(), *own(self.obj)]

    def scoped(self, *where: Any) -> Select[Any]:
        return select(self.obj).where(*self.limits(), *where)

    def key(self, pk: Any) -> Any:
        """The key as the database wants it; 404 for anything that cannot be one."""
        if self.obj.__mapper__.primary_key[0].type.python_type is int:
            if not str(pk).isdecimal() or int(pk) > LARGEST_ID:
                abort(404)
            return int(pk)
        if "\x00" in str(pk):
            abort(404)
        return str(pk)

    def get(self, id: Any, filters: Any = None, lock: bool = False, eager: Sequence[str] = (), **kwargs: Any) -> Any:
        """The row within the scope, else None. `lock`: for update, read anew."""
        query = self.scoped(self.get_pk() == self.key(id)).options(*self.eager_options(eager))
        if lock:
            query = query.with_for_update(of=self.obj).execution_options(populate_existing=True)
        return db.session.scalars(query).unique().one_or_none()

    def get_many(self, ids: Iterable[Any]) -> list[Any]:
        """Rows of these keys within the scope, in the order asked; the others are left out."""
        keys = [self.key(pk) for pk in dict.fromkeys(ids)]
        if not keys:
            return []
        rows = {self.get_pk_value(row): row for row in db.session.scalars(self.scoped(self.get_pk().in_(keys)))}
        return [rows[key] for key in keys if key in rows]

    def eager_options(self, columns: Iterable[str]) -> list[Any]:
        """One query for the list with all its to-one relations, one more for each to-many."""
        options = []
        for name in columns:
            path, model = [], self.obj
            for part in name.split("."):
                if part not in model.__mapper__.relationships:
                    break
                path.append(getattr(model, part))
                model = model.__mapper__.relationships[part].mapper.class_
            if path:
                load = selectinload(path[0]) if path[0].property.uselist else joinedload(path[0])
                for step in path[1:]:
                    load = load.selectinload(step) if step.property.uselist else load.joinedload(step)
                options.append(load)
        return options

    def few(self, where: Sequence[Any], limit: int = FOUND_LIMIT) -> list[Any] | None:
        """The keys of all rows that `where` finds, when they are at most `limit`.

        They are looked up without an order: PostgreSQL would read along the order's index in the hope to meet a page of them soon.
        """
        found = list(db.session.scalars(select(self.get_pk()).where(*self.limits(), *where).limit(limit + 1)))
        return found if len(found) <= limit else None

    def rows(self, where: Sequence[Any], order: Sequence[Any], page: int, size: int, eager: Iterable[str] = (), beside: Mapping[str, Any] = NOTHING) -> list[Any]:
        """One page of rows; one statement, and one for each to-many relation of `eager`. `beside`: scalar subqueries that become attributes of the rows."""
        page = max(0, min(page, (COUNT_LIMIT - 1) // size))
        query = self.scoped(*where).options(*self.eager_options(eager)).order_by(*order).limit(size).offset(page * size)
        if not beside:
            return list(db.session.scalars(query).unique())
        result = []
        for item, *values in db.session.execute(query.add_columns(*(column.label(name) for name, column in beside.items()))).unique():
            for name, value in zip(beside, values, strict=True):
                setattr(item, name, value)
            result.append(item)
        return result

    def first(self, where: Sequence[Any], order: Sequence[Any], number: int, eager: Iterable[str] = ()) -> list[Any]:
        """The first rows of those that `where` finds. Of very many only `FOUND_LIMIT` are looked at: bounded, however rare or frequent they are."""
        if not where:
            return self.rows(where, order, 0, number, eager)
        found = select(self.get_pk()).where(*self.limits(), *where).limit(FOUND_LIMIT)
        query = select(self.obj).where(self.get_pk().in_(found)).options(*self.eager_options(eager)).order_by(*order).limit(number)
        return list(db.session.scalars(query).unique())

    def count(self, where: Sequence[Any], limit: int = COUNT_LIMIT) -> Count:
        whole = self.may_estimate(where)
        counts, about = self.counts([(where, limit)], about=whole)
        return estimated(counts[0], about)

    def may_estimate(self, where: Sequence[Any]) -> bool:
        """Whether PostgreSQL's own figure of the table tells how many rows `where` finds: all of them."""
        return not where and not self.limits() and is_postgresql()

    def one_of(self, keys: Sequence[Any]) -> Any:
        """WHERE: the row has one of these keys."""
        pk = self.get_pk()
        return pk == any_(literal(list(keys), ARRAY(pk.type))) if is_postgresql() else pk.in_(keys)

    def counts(self, wanted: Sequence[tuple[Sequence[Any], int]], about: bool = False) -> tuple[list[Count], int]:
        """For each (conditions, limit): how many rows fulfil them, counted up to the limit. And `about` how many the table has. One statement."""
        scope = self.limits()
        columns: list[Any] = [capped(self.obj, [*scope, *where], limit).label(f"n{i}") for i, (where, limit) in enumerate(wanted)]
        if about:
            relation = text("pg_class.oid = to_regclass(:name)").bindparams(name=self.obj.__table__.fullname)
            columns.append(select(literal_column("pg_class.reltuples")).select_from(text("pg_class")).where(relation).scalar_subquery().label("about"))
        if not columns:
            return [], 0
        row = list(db.session.execute(select(*columns)).one())
        size = int(row.pop() or 0) if about else 0
        return [Count(min(n, limit), exact=n <= limit) for n, (_where, limit) in zip(row, wanted, strict=True)], size


def estimated(count: Count, about: int) -> Count:
    """`about` is better than "more than were counted"."""
    return Count(about, exact=False, estimated=True) if not count.exact and about > count.number else count


def count_of_page(rows: Sequence[Any], page: int, size: int) -> Count | None:
    """How many rows there are when this page tells it: it is the last one, or there is none at all."""
    if rows and len(rows) < size:
        return Count(page * size + len(rows))
    return None if rows or page else Count(0)


def capped(model: Any, where: Sequence[Any], limit: int = COUNT_LIMIT) -> ColumnElement[int]:
    """Scalar: how many rows of `model` fulfil `where`, at most `limit` + 1."""
    inner = select(literal(1).label("one")).select_from(model).where(*where).limit(limit + 1).subquery()
    return select(func.count()).select_from(inner).scalar_subquery()
