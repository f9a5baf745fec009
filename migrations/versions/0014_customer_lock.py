"""licenses: a lock that the customer put on in the portal is a reason of its own (32)

Until now it was that of staff (4), and the protocol said whose it was. Where the protocol is gone it stays with staff.
"""

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = '0014_customer_lock'
down_revision = '0013_website'
branch_labels = None
depends_on = None

LICENSE = sa.table('license', sa.column('id', sa.BigInteger), sa.column('lock_reasons', sa.Integer))
PERIOD = sa.table('lock_period', sa.column('license_id', sa.BigInteger), sa.column('reason', sa.Integer), sa.column('to_at', types.UTCDateTime))
ENTRY = sa.table('protocol_entry', sa.column('id', sa.BigInteger), sa.column('kind', sa.String), sa.column('action', sa.String), sa.column('subject_type', sa.String),
                 sa.column('subject_id', sa.BigInteger), sa.column('actor_kind', sa.String), sa.column('changes', types.Json))
STAFF, CUSTOMER, CHUNK = 4, 32, 500


def upgrade() -> None:
    connection = op.get_bind()
    locked = connection.scalars(sa.select(LICENSE.c.id).where(LICENSE.c.lock_reasons.bitwise_and(STAFF) != 0).order_by(LICENSE.c.id)).all()
    for start in range(0, len(locked), CHUNK):
        put_on: dict[int, str] = {}
        for entry in connection.execute(sa.select(ENTRY.c.subject_id, ENTRY.c.actor_kind, ENTRY.c.changes).order_by(ENTRY.c.id).where(
                ENTRY.c.subject_type == 'license', ENTRY.c.subject_id.in_(locked[start:start + CHUNK]), ENTRY.c.kind == 'license', ENTRY.c.action == 'locked')):
            before, after = ((entry.changes or {}).get('lock_reasons') or ('', ''))[:2]
            if 'manual' in (after or '').split(', ') and 'manual' not in (before or '').split(', '):
                put_on[entry.subject_id] = entry.actor_kind
        _move(connection, [ident for ident, kind in put_on.items() if kind == 'portal'], STAFF, CUSTOMER)


def downgrade() -> None:
    connection = op.get_bind()
    locked = connection.scalars(sa.select(LICENSE.c.id).where(LICENSE.c.lock_reasons.bitwise_and(CUSTOMER) != 0).order_by(LICENSE.c.id)).all()
    for start in range(0, len(locked), CHUNK):
        _move(connection, locked[start:start + CHUNK], CUSTOMER, STAFF)


def _move(connection, ids, old, new) -> None:
    connection.execute(sa.update(LICENSE).where(LICENSE.c.id.in_(ids)).values(lock_reasons=LICENSE.c.lock_reasons.bitwise_and(~old).bitwise_or(new)))
    connection.execute(sa.update(PERIOD).where(PERIOD.c.license_id.in_(ids), PERIOD.c.reason == old, PERIOD.c.to_at.is_(None)).values(reason=new))
