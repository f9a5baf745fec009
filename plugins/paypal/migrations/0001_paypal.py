"""Attempts, captures, refunds, messages, cases."""

import sqlalchemy as sa
from alembic import op

from app.core import money, secrets, types  # noqa: F401

revision = '0001_paypal'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('paypal_message',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('event_id', sa.String(length=80), nullable=False),
    sa.Column('kind', sa.String(length=80), nullable=False),
    sa.Column('body', types.Json, nullable=False),
    sa.Column('old', sa.Boolean(), nullable=False),
    sa.Column('state', sa.Enum('open', 'done', 'ignored', name='messagestate', native_enum=False, length=24), nullable=False),
    sa.Column('problem', sa.Text(), nullable=False),
    sa.Column('received_at', types.UTCDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_paypal_message')),
    sa.UniqueConstraint('event_id', name=op.f('uq_paypal_message_event_id'))
    )
    with op.batch_alter_table('paypal_message', schema=None) as batch_op:
        batch_op.create_index('ix_paypal_message_open', ['id'], unique=False, postgresql_where=sa.text("state = 'open'"), sqlite_where=sa.text("state = 'open'"))
        batch_op.create_index(batch_op.f('ix_paypal_message_received_at'), ['received_at'], unique=False)

    op.create_table('paypal_attempt',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('token', sa.String(length=43), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('open_item_id', types.BigId, nullable=True),
    sa.Column('for_prepaid', sa.Boolean(), nullable=False),
    sa.Column('reference', sa.String(length=60), nullable=False),
    sa.Column('invoice_id', sa.String(length=80), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('amount', money.MoneyType(), nullable=False),
    sa.Column('mode', sa.String(length=10), nullable=False),
    sa.Column('state', sa.Enum('begun', 'sent', 'capturing', 'pending', 'held', 'paid', 'failed', 'cancelled', 'expired', 'returned', name='attemptstate', native_enum=False, length=24), nullable=False),
    sa.Column('order_id', sa.String(length=40), nullable=True),
    sa.Column('approve_url', sa.String(length=500), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('problem', sa.Text(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('created_by', sa.String(length=80), nullable=False),
    sa.Column('request_at', types.UTCDateTime(), nullable=True),
    sa.Column('asked_at', types.UTCDateTime(), nullable=True),
    sa.CheckConstraint('amount > 0', name=op.f('ck_paypal_attempt_amount')),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_paypal_attempt_customer_id_customer')),
    sa.ForeignKeyConstraint(['open_item_id'], ['open_item.id'], name=op.f('fk_paypal_attempt_open_item_id_open_item')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_paypal_attempt')),
    sa.UniqueConstraint('invoice_id', name=op.f('uq_paypal_attempt_invoice_id')),
    sa.UniqueConstraint('order_id', name=op.f('uq_paypal_attempt_order_id')),
    sa.UniqueConstraint('token', name=op.f('uq_paypal_attempt_token'))
    )
    with op.batch_alter_table('paypal_attempt', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_paypal_attempt_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_paypal_attempt_open_item_id'), ['open_item_id'], unique=False)
        batch_op.create_index('ix_paypal_attempt_running', ['id'], unique=False, postgresql_where=sa.text("state in ('capturing', 'pending')"), sqlite_where=sa.text("state in ('capturing', 'pending')"))
        batch_op.create_index(batch_op.f('ix_paypal_attempt_state_created_at'), ['state', 'created_at'], unique=False)

    op.create_table('paypal_capture',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('capture_id', sa.String(length=40), nullable=False),
    sa.Column('attempt_id', types.BigId, nullable=True),
    sa.Column('order_id', sa.String(length=40), nullable=False),
    sa.Column('custom_id', sa.String(length=127), nullable=False),
    sa.Column('invoice_id', sa.String(length=127), nullable=False),
    sa.Column('status', sa.String(length=30), nullable=False),
    sa.Column('reason', sa.String(length=60), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('amount', money.MoneyType(), nullable=False),
    sa.Column('fee', money.MoneyType(), nullable=True),
    sa.Column('payer', sa.String(length=120), nullable=False),
    sa.Column('taken_at', types.UTCDateTime(), nullable=False),
    sa.Column('payment_id', types.BigId, nullable=True),
    sa.Column('returned', money.MoneyType(), nullable=False),
    sa.Column('held', sa.Text(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['attempt_id'], ['paypal_attempt.id'], name=op.f('fk_paypal_capture_attempt_id_paypal_attempt')),
    sa.ForeignKeyConstraint(['payment_id'], ['payment.id'], name=op.f('fk_paypal_capture_payment_id_payment')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_paypal_capture')),
    sa.UniqueConstraint('capture_id', name=op.f('uq_paypal_capture_capture_id'))
    )
    with op.batch_alter_table('paypal_capture', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_paypal_capture_attempt_id'), ['attempt_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_paypal_capture_order_id'), ['order_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_paypal_capture_payment_id'), ['payment_id'], unique=False)

    op.create_table('paypal_case',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('kind', sa.Enum('unknown_payment', 'held_payment', 'different', 'stuck', 'part_returned', 'refund_unclear', 'dispute', 'account', name='casekind', native_enum=False, length=24), nullable=False),
    sa.Column('state', sa.Enum('open', 'cleared', name='casestate', native_enum=False, length=24), nullable=False),
    sa.Column('attempt_id', types.BigId, nullable=True),
    sa.Column('capture_row_id', types.BigId, nullable=True),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('told', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['attempt_id'], ['paypal_attempt.id'], name=op.f('fk_paypal_case_attempt_id_paypal_attempt')),
    sa.ForeignKeyConstraint(['capture_row_id'], ['paypal_capture.id'], name=op.f('fk_paypal_case_capture_row_id_paypal_capture')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_paypal_case')),
    sa.UniqueConstraint('key', name=op.f('uq_paypal_case_key'))
    )
    with op.batch_alter_table('paypal_case', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_paypal_case_attempt_id'), ['attempt_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_paypal_case_capture_row_id'), ['capture_row_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_paypal_case_state'), ['state'], unique=False)

    op.create_table('paypal_refund',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('refund_id', sa.String(length=40), nullable=True),
    sa.Column('capture_id', sa.String(length=40), nullable=False),
    sa.Column('capture_row_id', types.BigId, nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('amount', money.MoneyType(), nullable=False),
    sa.Column('state', sa.Enum('asked', 'pending', 'done', 'refused', name='refundstate', native_enum=False, length=24), nullable=False),
    sa.Column('reversal', sa.Boolean(), nullable=False),
    sa.Column('in_core', sa.Boolean(), nullable=False),
    sa.Column('booked', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('problem', sa.Text(), nullable=False),
    sa.Column('at', types.UTCDateTime(), nullable=False),
    sa.Column('created_by', sa.String(length=80), nullable=False),
    sa.CheckConstraint('amount > 0', name=op.f('ck_paypal_refund_amount')),
    sa.ForeignKeyConstraint(['capture_row_id'], ['paypal_capture.id'], name=op.f('fk_paypal_refund_capture_row_id_paypal_capture')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_paypal_refund')),
    sa.UniqueConstraint('key', name=op.f('uq_paypal_refund_key')),
    sa.UniqueConstraint('refund_id', name=op.f('uq_paypal_refund_refund_id'))
    )
    with op.batch_alter_table('paypal_refund', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_paypal_refund_capture_id'), ['capture_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_paypal_refund_capture_row_id'), ['capture_row_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_paypal_refund_state'), ['state'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('paypal_refund', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_paypal_refund_state'))
        batch_op.drop_index(batch_op.f('ix_paypal_refund_capture_row_id'))
        batch_op.drop_index(batch_op.f('ix_paypal_refund_capture_id'))

    op.drop_table('paypal_refund')
    with op.batch_alter_table('paypal_case', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_paypal_case_state'))
        batch_op.drop_index(batch_op.f('ix_paypal_case_capture_row_id'))
        batch_op.drop_index(batch_op.f('ix_paypal_case_attempt_id'))

    op.drop_table('paypal_case')
    with op.batch_alter_table('paypal_capture', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_paypal_capture_payment_id'))
        batch_op.drop_index(batch_op.f('ix_paypal_capture_order_id'))
        batch_op.drop_index(batch_op.f('ix_paypal_capture_attempt_id'))

    op.drop_table('paypal_capture')
    with op.batch_alter_table('paypal_attempt', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_paypal_attempt_state_created_at'))
        batch_op.drop_index('ix_paypal_attempt_running', postgresql_where=sa.text("state in ('capturing', 'pending')"), sqlite_where=sa.text("state in ('capturing', 'pending')"))
        batch_op.drop_index(batch_op.f('ix_paypal_attempt_open_item_id'))
        batch_op.drop_index(batch_op.f('ix_paypal_attempt_customer_id'))

    op.drop_table('paypal_attempt')
    with op.batch_alter_table('paypal_message', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_paypal_message_received_at'))
        batch_op.drop_index('ix_paypal_message_open', postgresql_where=sa.text("state = 'open'"), sqlite_where=sa.text("state = 'open'"))

    op.drop_table('paypal_message')
