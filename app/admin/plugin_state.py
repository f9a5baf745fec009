"""What stored data asks of plugins, and how one goes: who needs it, which tables are its own."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import delete, func, inspect, select
from sqlalchemy.schema import MetaData, Table

from app.catalog.models import PttServer
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.customers.checks import TRANSFER
from app.customers.models import Customer, CustomerState
from app.migrate import version_table
from app.plugin_api.registry import RESERVED, plugins
from app.system import job_runs
from app.system.models import JobRun, ProtocolKind, SettingValue
from app.system.protocol import record

REMEMBERED = timedelta(days=40)      # a monthly job has run in it


def methods_in_use() -> dict[str, int]:
    """Payment method of a plugin → customers that have it."""
    query = (select(Customer.payment_method, func.count()).where(Customer.state != CustomerState.DELETED, Customer.payment_method != TRANSFER)
             .group_by(Customer.payment_method))
    return {row[0]: row[1] for row in db.session.execute(query)}


def drivers_in_use() -> dict[str, int]:
    """Provisioning driver → PTT servers that have it."""
    return {row[0]: row[1] for row in db.session.execute(select(PttServer.driver, func.count()).group_by(PttServer.driver))}


def without_plugin() -> list[str]:
    """What is held because its plugin is not running, as sentences; empty when nothing is."""
    registry = plugins()
    methods, drivers = registry.by_code("payment_methods"), registry.by_code("provisioning_drivers")
    found = [ngettext("%(num)d customer pays by “%(code)s”: invoices, their PDFs and all locks are held.", "%(num)d customers pay by “%(code)s”: invoices, their PDFs and all locks are held.",
                      number, code=code) for code, number in sorted(methods_in_use().items()) if code not in methods]
    found += [ngettext("%(num)d PTT server uses “%(code)s”: its orders are held.", "%(num)d PTT servers use “%(code)s”: their orders are held.", number, code=code)
              for code, number in sorted(drivers_in_use().items()) if code not in drivers]
    found += [ngettext("%(num)d timed job of “%(plugin)s” does not run; what it misses is made up for when the plugin is back: %(jobs)s",
                       "%(num)d timed jobs of “%(plugin)s” do not run; what they miss is made up for when the plugin is back: %(jobs)s",
                       len(names), plugin=plugin, jobs=", ".join(names)) for plugin, names in sorted(idle_jobs().items())]
    return found


def idle_jobs() -> dict[str, list[str]]:
    """Plugin → its jobs that the clock started in the last weeks and that nobody knows now. Not of one that was switched off on purpose."""
    known, off = job_runs.jobs(), plugins().off
    names = db.session.scalars(select(JobRun.job).where(JobRun.requested_by == "", ~JobRun.dry_run, JobRun.created_at > clock.now() - REMEMBERED).distinct().order_by(JobRun.job))
    found: dict[str, list[str]] = {}
    for name in names:
        plugin = name.partition(".")[0]
        if name not in known and plugin not in off and plugin not in RESERVED:
            found.setdefault(plugin, []).append(name)
    return found


def needs(name: str) -> list[str]:
    """Why the running plugin `name` cannot go yet."""
    answers = plugins().loaded[name].answers
    methods, drivers = methods_in_use(), drivers_in_use()
    found = [ngettext("%(num)d customer pays by “%(code)s”.", "%(num)d customers pay by “%(code)s”.", methods[m.code], code=m.code)
             for m in answers["payment_methods"] if m.code in methods]
    return found + [ngettext("%(num)d PTT server uses “%(code)s”.", "%(num)d PTT servers use “%(code)s”.", drivers[d.code], code=d.code)
                    for d in answers["provisioning_drivers"] if d.code in drivers]


def own_tables(name: str) -> list[str]:
    """Tables of the running plugin that are in the database, its version table among them."""
    there = set(inspect(db.engine).get_table_names())
    mine = {table.name for table in plugins().tables(name)} | {version_table(name)}
    return sorted(mine & there)


def drop_data(name: str) -> list[str]:
    """Drop the plugin's tables and settings; returns the tables. For good. Refused while customers or servers need it."""
    if name not in plugins().loaded:
        raise InvalidInput(_("The plugin “%(name)s” is not running. Only a running plugin can say which tables are its own.", name=name))
    if reasons := needs(name):
        raise InvalidInput(" ".join([*reasons, _("Change them first.")]))
    names = own_tables(name)
    with transaction() as session:
        metadata = MetaData()
        found = [Table(table, metadata, autoload_with=session.connection(), resolve_fks=False) for table in names]
        for table in reversed(_by_need(found)):
            table.drop(session.connection())
        session.execute(delete(SettingValue).where(SettingValue.key.in_([spec.key for spec in plugins().loaded[name].answers["settings"]])))
        record(ProtocolKind.SETTINGS, "data_dropped", subject_type="plugin", subject=name, changes={"tables": ["", ", ".join(names)]})
    return names


def _by_need(tables: list[Table]) -> list[Table]:
    """Referenced tables first."""
    left, order = {table.name: table for table in tables}, list[Table]()
    while left:
        ready = [t for t in left.values() if not ({fk.target_fullname.split(".")[0] for fk in t.foreign_keys} & set(left)) - {t.name}]
        for table in ready or list(left.values()):
            order.append(table)
            left.pop(table.name)
    return order
