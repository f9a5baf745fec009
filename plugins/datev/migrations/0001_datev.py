"""datev"""

import sqlalchemy as sa
from alembic import op

from app.core import money, secrets, types  # noqa: F401

revision = '629b3a28ae46'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('datev_export',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('period', sa.String(length=7), nullable=False),
    sa.Column('bookings', sa.Integer(), nullable=False),
    sa.Column('turnover', money.MoneyType(), nullable=False),
    sa.Column('document_id', types.BigId, nullable=True),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('created_by', sa.String(length=80), nullable=False),
    sa.Column('repeats_id', sa.Integer(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_datev_export_document_id_document')),
    sa.ForeignKeyConstraint(['repeats_id'], ['datev_export.id'], name=op.f('fk_datev_export_repeats_id_datev_export')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_datev_export'))
    )
    with op.batch_alter_table('datev_export', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_datev_export_period'), ['period'], unique=False)

    op.create_table('datev_debtor',
    sa.Column('customer_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('account', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_datev_debtor_customer_id_customer')),
    sa.PrimaryKeyConstraint('customer_id', name=op.f('pk_datev_debtor')),
    sa.UniqueConstraint('account', name=op.f('uq_datev_debtor_account'))
    )
    op.create_table('datev_entry',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('source', sa.Enum('invoice', 'demand', 'payment', 'assigned', 'return', 'refund', 'loss', name='source', native_enum=False, length=24), nullable=False),
    sa.Column('source_id', sa.BigInteger(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('on_date', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('served_on', sa.Date(), nullable=True),
    sa.Column('document', sa.String(length=60), nullable=False),
    sa.Column('text', sa.String(length=120), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=True),
    sa.Column('account', sa.String(length=12), nullable=False),
    sa.Column('contra', sa.String(length=12), nullable=False),
    sa.Column('amount', money.MoneyType(), nullable=False),
    sa.Column('tax', money.MoneyType(), nullable=False),
    sa.Column('tax_account', sa.String(length=12), nullable=False),
    sa.Column('tax_key', sa.String(length=4), nullable=False),
    sa.Column('vat_id', sa.String(length=20), nullable=False),
    sa.Column('export_id', sa.Integer(), nullable=True),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_datev_entry_customer_id_customer')),
    sa.ForeignKeyConstraint(['export_id'], ['datev_export.id'], name=op.f('fk_datev_entry_export_id_datev_export')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_datev_entry')),
    sa.UniqueConstraint('source', 'source_id', 'number', name=op.f('uq_datev_entry_source_source_id_number'))
    )
    with op.batch_alter_table('datev_entry', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_datev_entry_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_datev_entry_export_id'), ['export_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_datev_entry_on_date'), ['on_date'], unique=False)
        batch_op.create_index('ix_datev_entry_open', ['on_date', 'id'], unique=False, postgresql_where=sa.text('export_id IS NULL'), sqlite_where=sa.text('export_id IS NULL'))



def downgrade() -> None:
    with op.batch_alter_table('datev_entry', schema=None) as batch_op:
        batch_op.drop_index('ix_datev_entry_open', postgresql_where=sa.text('export_id IS NULL'), sqlite_where=sa.text('export_id IS NULL'))
        batch_op.drop_index(batch_op.f('ix_datev_entry_on_date'))
        batch_op.drop_index(batch_op.f('ix_datev_entry_export_id'))
        batch_op.drop_index(batch_op.f('ix_datev_entry_customer_id'))

    op.drop_table('datev_entry')
    op.drop_table('datev_debtor')
    with op.batch_alter_table('datev_export', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_datev_export_period'))

    op.drop_table('datev_export')
