"""Money given back to customers"""

import sqlalchemy as sa
from alembic import op

from app.core import money, types

revision = '0016_refunds'
down_revision = '0015_statement_gaps'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'refund', sa.Column('id', types.BigId, nullable=False), sa.Column('key', sa.String(length=120), nullable=False), sa.Column('customer_id', types.BigId, nullable=False),
        sa.Column('currency', sa.String(length=3), nullable=False), sa.Column('amount', money.MoneyType(), nullable=False), sa.Column('for_prepaid', sa.Boolean(), nullable=False),
        sa.Column('method', sa.String(length=30), nullable=False), sa.Column('state', sa.Enum('requested', 'paid', 'refused', 'reversed', name='refundstate', native_enum=False, length=24), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False), sa.Column('paid_on', sa.Date(), nullable=True), sa.Column('account', sa.String(length=60), nullable=False),
        sa.Column('holder', sa.String(length=120), nullable=False), sa.Column('reference', sa.String(length=140), nullable=False), sa.Column('answer', sa.Text(), nullable=False),
        sa.Column('reversed_on', sa.Date(), nullable=True), sa.Column('reversed_because', sa.Text(), nullable=False), sa.Column('created_at', types.UTCDateTime(), nullable=False),
        sa.Column('created_by', sa.String(length=80), nullable=False), sa.CheckConstraint('amount > 0', name=op.f('ck_refund_amount')),
        sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_refund_customer_id_customer')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_refund')), sa.UniqueConstraint('key', name=op.f('uq_refund_key')))
    op.create_index(op.f('ix_refund_customer_id'), 'refund', ['customer_id'])
    op.create_index(op.f('ix_refund_state'), 'refund', ['state'])
    op.create_table(
        'refund_use', sa.Column('id', types.BigId, nullable=False), sa.Column('refund_id', types.BigId, nullable=False), sa.Column('payment_id', types.BigId, nullable=False),
        sa.Column('amount', money.MoneyType(), nullable=False), sa.Column('claim_id', types.BigId, nullable=True), sa.CheckConstraint('amount > 0', name=op.f('ck_refund_use_amount')),
        sa.ForeignKeyConstraint(['claim_id'], ['open_item.id'], name=op.f('fk_refund_use_claim_id_open_item')),
        sa.ForeignKeyConstraint(['payment_id'], ['payment.id'], name=op.f('fk_refund_use_payment_id_payment')),
        sa.ForeignKeyConstraint(['refund_id'], ['refund.id'], name=op.f('fk_refund_use_refund_id_refund')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_refund_use')), sa.UniqueConstraint('claim_id', name=op.f('uq_refund_use_claim_id')),
        sa.UniqueConstraint('refund_id', 'payment_id', name=op.f('uq_refund_use_refund_id_payment_id')))
    op.create_index(op.f('ix_refund_use_payment_id'), 'refund_use', ['payment_id'])
    op.create_table(
        'refund_order', sa.Column('id', types.BigId, nullable=False), sa.Column('refund_id', types.BigId, nullable=False),
        sa.Column('state', sa.Enum('waiting', 'claimed', 'done', 'held', 'unsure', 'cancelled', name='outboxstate', native_enum=False, length=24), nullable=False),
        sa.Column('due_at', types.UTCDateTime(), nullable=False), sa.Column('created_at', types.UTCDateTime(), nullable=False), sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('claim', sa.Integer(), nullable=False), sa.Column('lease_until', types.UTCDateTime(), nullable=True), sa.Column('unsure', sa.Boolean(), nullable=False),
        sa.Column('done_at', types.UTCDateTime(), nullable=True), sa.Column('error', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['refund_id'], ['refund.id'], name=op.f('fk_refund_order_refund_id_refund')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_refund_order')), sa.UniqueConstraint('refund_id', name=op.f('uq_refund_order_refund_id')))
    op.create_index('ix_refund_order_due', 'refund_order', ['state', 'due_at'])


def downgrade() -> None:
    for table in ('refund_order', 'refund_use', 'refund'):
        op.drop_table(table)
