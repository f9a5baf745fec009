"""Invoices of prepaid periods"""

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = '0008_prepaid_invoice'
down_revision = '0007_bank'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('prepaid_period', schema=None) as batch_op:
        batch_op.add_column(sa.Column('lines', types.Json, nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('to_invoice', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('invoice_id', types.BigId, nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_prepaid_period_invoice_id_invoice'), 'invoice', ['invoice_id'], ['id'])
        batch_op.create_unique_constraint(batch_op.f('uq_prepaid_period_invoice_id'), ['invoice_id'])
    op.create_index('ix_prepaid_period_to_invoice', 'prepaid_period', ['id'], postgresql_where=sa.text('to_invoice'), sqlite_where=sa.text('to_invoice'))


def downgrade() -> None:
    op.drop_index('ix_prepaid_period_to_invoice', table_name='prepaid_period')
    with op.batch_alter_table('prepaid_period', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('uq_prepaid_period_invoice_id'), type_='unique')
        batch_op.drop_constraint(batch_op.f('fk_prepaid_period_invoice_id_invoice'), type_='foreignkey')
        batch_op.drop_column('invoice_id')
        batch_op.drop_column('to_invoice')
        batch_op.drop_column('lines')
