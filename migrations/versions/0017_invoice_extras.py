"""Files of plugins that go with invoices and could not be made yet"""

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = '0017_invoice_extras'
down_revision = '0016_refunds'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'missing_extra', sa.Column('invoice_id', types.BigId, autoincrement=False, nullable=False), sa.Column('code', sa.String(length=10), nullable=False), sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('attempts', sa.Integer(), nullable=False), sa.Column('since', types.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['invoice_id'], ['invoice.id'], name=op.f('fk_missing_extra_invoice_id_invoice')), sa.PrimaryKeyConstraint('invoice_id', 'code', name=op.f('pk_missing_extra')))


def downgrade() -> None:
    op.drop_table('missing_extra')
