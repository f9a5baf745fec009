"""Mandates, announcements, direct debits, returns."""

import sqlalchemy as sa
from alembic import op

from app.core import money, secrets, types  # noqa: F401

revision = '0001_sepa'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('sepa_bank_account',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(length=60), nullable=False),
    sa.Column('holder', sa.String(length=70), nullable=False),
    sa.Column('iban', sa.String(length=34), nullable=False),
    sa.Column('bic', sa.String(length=11), nullable=False),
    sa.Column('creditor_id', sa.String(length=35), nullable=False),
    sa.Column('version', sa.String(length=20), nullable=False),
    sa.Column('batch_booking', sa.Boolean(), nullable=False),
    sa.Column('lead_days', sa.Integer(), nullable=False),
    sa.Column('cut_off', sa.String(length=5), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sepa_bank_account')),
    sa.UniqueConstraint('title', name=op.f('uq_sepa_bank_account_title'))
    )
    op.create_table('sepa_batch',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('message_id', sa.String(length=30), nullable=True),
    sa.Column('scheme', sa.String(length=4), nullable=False),
    sa.Column('state', sa.Enum('proposed', 'released', 'exported', 'cancelled', name='batchstate', native_enum=False, length=24), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('total', money.MoneyType(), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('created_by', sa.String(length=80), nullable=False),
    sa.Column('released_by', sa.String(length=80), nullable=False),
    sa.Column('exported_at', types.UTCDateTime(), nullable=True),
    sa.Column('exported_by', sa.String(length=80), nullable=False),
    sa.Column('credited', money.MoneyType(), nullable=False),
    sa.Column('credited_on', sa.Date(), nullable=True),
    sa.Column('downloads', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['sepa_bank_account.id'], name=op.f('fk_sepa_batch_account_id_sepa_bank_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sepa_batch')),
    sa.UniqueConstraint('message_id', name=op.f('uq_sepa_batch_message_id'))
    )
    with op.batch_alter_table('sepa_batch', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sepa_batch_state'), ['state'], unique=False)

    op.create_table('sepa_status_file',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('file_name', sa.String(length=120), nullable=False),
    sa.Column('message_id', sa.String(length=70), nullable=False),
    sa.Column('original', sa.String(length=70), nullable=False),
    sa.Column('document_id', types.BigId, nullable=True),
    sa.Column('at', types.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_sepa_status_file_document_id_document')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sepa_status_file')),
    sa.UniqueConstraint('sha256', name=op.f('uq_sepa_status_file_sha256'))
    )
    op.create_table('sepa_batch_file',
    sa.Column('batch_id', sa.Integer(), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['batch_id'], ['sepa_batch.id'], name=op.f('fk_sepa_batch_file_batch_id_sepa_batch')),
    sa.PrimaryKeyConstraint('batch_id', name=op.f('pk_sepa_batch_file'))
    )
    op.create_table('sepa_mandate',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('reference', sa.String(length=35), nullable=False),
    sa.Column('scheme', sa.String(length=4), nullable=False),
    sa.Column('one_off', sa.Boolean(), nullable=False),
    sa.Column('last_one', sa.Boolean(), nullable=False),
    sa.Column('holder', sa.String(length=120), nullable=False),
    sa.Column('iban', sa.String(length=34), nullable=False),
    sa.Column('bic', sa.String(length=11), nullable=False),
    sa.Column('notice_days', sa.Integer(), nullable=True),
    sa.Column('state', sa.Enum('draft', 'requested', 'valid', 'suspended', 'expired', 'revoked', name='mandatestate', native_enum=False, length=24), nullable=False),
    sa.Column('requested_at', types.UTCDateTime(), nullable=True),
    sa.Column('signed_on', sa.Date(), nullable=True),
    sa.Column('valid_at', types.UTCDateTime(), nullable=True),
    sa.Column('origin', sa.String(length=10), nullable=False),
    sa.Column('proof', types.Json, nullable=False),
    sa.Column('document_id', types.BigId, nullable=True),
    sa.Column('bank_confirmed_on', sa.Date(), nullable=True),
    sa.Column('last_collected_on', sa.Date(), nullable=True),
    sa.Column('collections', sa.Integer(), nullable=False),
    sa.Column('former_reference', sa.String(length=35), nullable=False),
    sa.Column('new_account', sa.Boolean(), nullable=False),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['sepa_bank_account.id'], name=op.f('fk_sepa_mandate_account_id_sepa_bank_account')),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_sepa_mandate_customer_id_customer')),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_sepa_mandate_document_id_document')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sepa_mandate')),
    sa.UniqueConstraint('reference', name=op.f('uq_sepa_mandate_reference'))
    )
    with op.batch_alter_table('sepa_mandate', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sepa_mandate_customer_id_state'), ['customer_id', 'state'], unique=False)
        batch_op.create_index(batch_op.f('ix_sepa_mandate_state'), ['state'], unique=False)

    op.create_table('sepa_notice',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('open_item_id', types.BigId, nullable=False),
    sa.Column('mandate_id', sa.Integer(), nullable=False),
    sa.Column('amount', money.MoneyType(), nullable=False),
    sa.Column('collect_on', sa.Date(), nullable=False),
    sa.Column('notified_on', sa.Date(), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('retry', sa.Boolean(), nullable=False),
    sa.Column('state', sa.Enum('open', 'used', 'withdrawn', name='noticestate', native_enum=False, length=24), nullable=False),
    sa.CheckConstraint('amount > 0', name=op.f('ck_sepa_notice_amount')),
    sa.ForeignKeyConstraint(['mandate_id'], ['sepa_mandate.id'], name=op.f('fk_sepa_notice_mandate_id_sepa_mandate')),
    sa.ForeignKeyConstraint(['open_item_id'], ['open_item.id'], name=op.f('fk_sepa_notice_open_item_id_open_item')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sepa_notice'))
    )
    with op.batch_alter_table('sepa_notice', schema=None) as batch_op:
        batch_op.create_index('ix_sepa_notice_due', ['collect_on'], unique=False, postgresql_where=sa.text("state = 'open'"), sqlite_where=sa.text("state = 'open'"))
        batch_op.create_index(batch_op.f('ix_sepa_notice_open_item_id'), ['open_item_id'], unique=False)
        batch_op.create_index('uq_sepa_notice_open', ['open_item_id'], unique=True, postgresql_where=sa.text("state = 'open'"), sqlite_where=sa.text("state = 'open'"))

    op.create_table('sepa_debit',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('batch_id', sa.Integer(), nullable=False),
    sa.Column('mandate_id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('open_item_id', types.BigId, nullable=False),
    sa.Column('notice_id', types.BigId, nullable=False),
    sa.Column('end_to_end_id', sa.String(length=35), nullable=False),
    sa.Column('amount', money.MoneyType(), nullable=False),
    sa.Column('sequence', sa.String(length=4), nullable=False),
    sa.Column('collect_on', sa.Date(), nullable=False),
    sa.Column('retry', sa.Boolean(), nullable=False),
    sa.Column('state', sa.Enum('planned', 'exported', 'collected', 'rejected', 'returned', 'cancelled', name='debitstate', native_enum=False, length=24), nullable=False),
    sa.Column('debtor', sa.String(length=120), nullable=False),
    sa.Column('iban', sa.String(length=34), nullable=False),
    sa.Column('bic', sa.String(length=11), nullable=False),
    sa.Column('mandate_reference', sa.String(length=35), nullable=False),
    sa.Column('signed_on', sa.Date(), nullable=False),
    sa.Column('former_reference', sa.String(length=35), nullable=False),
    sa.Column('new_account', sa.Boolean(), nullable=False),
    sa.Column('remittance', sa.String(length=140), nullable=False),
    sa.Column('payment_id', types.BigId, nullable=True),
    sa.Column('reason_code', sa.String(length=8), nullable=False),
    sa.Column('reason_text', sa.Text(), nullable=False),
    sa.Column('returned_on', sa.Date(), nullable=True),
    sa.Column('credited_on', sa.Date(), nullable=True),
    sa.CheckConstraint('amount > 0', name=op.f('ck_sepa_debit_amount')),
    sa.ForeignKeyConstraint(['batch_id'], ['sepa_batch.id'], name=op.f('fk_sepa_debit_batch_id_sepa_batch')),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_sepa_debit_customer_id_customer')),
    sa.ForeignKeyConstraint(['mandate_id'], ['sepa_mandate.id'], name=op.f('fk_sepa_debit_mandate_id_sepa_mandate')),
    sa.ForeignKeyConstraint(['notice_id'], ['sepa_notice.id'], name=op.f('fk_sepa_debit_notice_id_sepa_notice')),
    sa.ForeignKeyConstraint(['open_item_id'], ['open_item.id'], name=op.f('fk_sepa_debit_open_item_id_open_item')),
    sa.ForeignKeyConstraint(['payment_id'], ['payment.id'], name=op.f('fk_sepa_debit_payment_id_payment')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sepa_debit')),
    sa.UniqueConstraint('end_to_end_id', name=op.f('uq_sepa_debit_end_to_end_id'))
    )
    with op.batch_alter_table('sepa_debit', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sepa_debit_batch_id'), ['batch_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_sepa_debit_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index('ix_sepa_debit_exported', ['collect_on'], unique=False, postgresql_where=sa.text("state = 'exported'"), sqlite_where=sa.text("state = 'exported'"))
        batch_op.create_index(batch_op.f('ix_sepa_debit_mandate_id'), ['mandate_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_sepa_debit_open_item_id'), ['open_item_id'], unique=False)
        batch_op.create_index('uq_sepa_debit_running', ['open_item_id'], unique=True, postgresql_where=sa.text("state in ('planned', 'exported')"), sqlite_where=sa.text("state in ('planned', 'exported')"))

    op.create_table('sepa_return',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('key', sa.String(length=120), nullable=False),
    sa.Column('source', sa.String(length=120), nullable=False),
    sa.Column('end_to_end_id', sa.String(length=70), nullable=False),
    sa.Column('mandate_reference', sa.String(length=70), nullable=False),
    sa.Column('payer', sa.String(length=140), nullable=False),
    sa.Column('amount', money.MoneyType(), nullable=True),
    sa.Column('fee', money.MoneyType(), nullable=False),
    sa.Column('returned_on', sa.Date(), nullable=False),
    sa.Column('reason_code', sa.String(length=8), nullable=False),
    sa.Column('reason_text', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('booked', 'open', 'cleared', name='returnstate', native_enum=False, length=24), nullable=False),
    sa.Column('problem', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('debit_id', types.BigId, nullable=True),
    sa.Column('at', types.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['debit_id'], ['sepa_debit.id'], name=op.f('fk_sepa_return_debit_id_sepa_debit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sepa_return')),
    sa.UniqueConstraint('key', name=op.f('uq_sepa_return_key'))
    )
    with op.batch_alter_table('sepa_return', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sepa_return_debit_id'), ['debit_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_sepa_return_state'), ['state'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('sepa_return', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sepa_return_state'))
        batch_op.drop_index(batch_op.f('ix_sepa_return_debit_id'))

    op.drop_table('sepa_return')
    with op.batch_alter_table('sepa_debit', schema=None) as batch_op:
        batch_op.drop_index('uq_sepa_debit_running', postgresql_where=sa.text("state in ('planned', 'exported')"), sqlite_where=sa.text("state in ('planned', 'exported')"))
        batch_op.drop_index(batch_op.f('ix_sepa_debit_open_item_id'))
        batch_op.drop_index(batch_op.f('ix_sepa_debit_mandate_id'))
        batch_op.drop_index('ix_sepa_debit_exported', postgresql_where=sa.text("state = 'exported'"), sqlite_where=sa.text("state = 'exported'"))
        batch_op.drop_index(batch_op.f('ix_sepa_debit_customer_id'))
        batch_op.drop_index(batch_op.f('ix_sepa_debit_batch_id'))

    op.drop_table('sepa_debit')
    with op.batch_alter_table('sepa_notice', schema=None) as batch_op:
        batch_op.drop_index('uq_sepa_notice_open', postgresql_where=sa.text("state = 'open'"), sqlite_where=sa.text("state = 'open'"))
        batch_op.drop_index(batch_op.f('ix_sepa_notice_open_item_id'))
        batch_op.drop_index('ix_sepa_notice_due', postgresql_where=sa.text("state = 'open'"), sqlite_where=sa.text("state = 'open'"))

    op.drop_table('sepa_notice')
    with op.batch_alter_table('sepa_mandate', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sepa_mandate_state'))
        batch_op.drop_index(batch_op.f('ix_sepa_mandate_customer_id_state'))

    op.drop_table('sepa_mandate')
    op.drop_table('sepa_batch_file')
    op.drop_table('sepa_status_file')
    with op.batch_alter_table('sepa_batch', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sepa_batch_state'))

    op.drop_table('sepa_batch')
    op.drop_table('sepa_bank_account')
