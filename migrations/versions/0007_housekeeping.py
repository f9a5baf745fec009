"""Customers that were purged, user names that are never given again"""

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = '0007_housekeeping'
down_revision = '0006_reminders'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('retired_name',
    sa.Column('server_id', sa.Integer(), nullable=False),
    sa.Column('user_name', sa.String(length=64), nullable=False),
    sa.Column('retired_at', types.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['server_id'], ['ptt_server.id'], name=op.f('fk_retired_name_server_id_ptt_server'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('server_id', 'user_name', name=op.f('pk_retired_name'))
    )
    op.create_table('purged_customer',
    sa.Column('customer_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False),
    sa.Column('anonymised', sa.Boolean(), nullable=False),
    sa.Column('at', types.UTCDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('customer_id', name=op.f('pk_purged_customer'))
    )


def downgrade() -> None:
    op.drop_table('purged_customer')
    op.drop_table('retired_name')
