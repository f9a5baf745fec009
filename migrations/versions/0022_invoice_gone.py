"""What is left of invoices that were deleted after their retention; keys that deleting documents asks for"""

import sqlalchemy as sa
from alembic import op

from app.billing.gone_triggers import install_triggers, remove_triggers
from app.core import types

revision = '0022_invoice_gone'
down_revision = '0021_refund_lines'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'invoice_gone', sa.Column('id', types.BigId, nullable=False), sa.Column('series_id', sa.Integer(), nullable=False), sa.Column('chain_index', sa.BigInteger(), nullable=False),
        sa.Column('number', sa.String(length=40), nullable=False), sa.Column('issued_on', sa.Date(), nullable=False), sa.Column('previous_hash', sa.String(length=64), nullable=False),
        sa.Column('hash', sa.String(length=64), nullable=False), sa.Column('deleted_at', types.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['series_id'], ['invoice_series.id'], name=op.f('fk_invoice_gone_series_id_invoice_series')), sa.PrimaryKeyConstraint('id', name=op.f('pk_invoice_gone')),
        sa.UniqueConstraint('number', name=op.f('uq_invoice_gone_number')), sa.UniqueConstraint('series_id', 'chain_index', name=op.f('uq_invoice_gone_series_id_chain_index')))
    install_triggers(op.get_bind())
    for table in ('reminder', 'chat_message'):
        op.create_index(op.f(f'ix_{table}_document_id'), table, ['document_id'])


def downgrade() -> None:
    for table in ('chat_message', 'reminder'):
        op.drop_index(op.f(f'ix_{table}_document_id'), table)
    remove_triggers(op.get_bind())
    op.drop_table('invoice_gone')
