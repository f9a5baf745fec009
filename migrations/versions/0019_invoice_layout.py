"""Versions of the layout of invoices"""

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = '0019_invoice_layout'
down_revision = '0018_accounting_exports'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'invoice_layout', sa.Column('id', sa.Integer(), nullable=False), sa.Column('valid_from', sa.Date(), nullable=False), sa.Column('data', types.Json, nullable=False),
        sa.Column('note', sa.String(length=200), nullable=False), sa.Column('created_at', types.UTCDateTime(), nullable=False), sa.Column('created_by', sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_invoice_layout')))
    op.create_index(op.f('ix_invoice_layout_valid_from'), 'invoice_layout', ['valid_from'])


def downgrade() -> None:
    op.drop_table('invoice_layout')
