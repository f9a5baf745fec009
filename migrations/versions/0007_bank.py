"""Own bank accounts, files of banks, what they say of balances and lines, and the accounts that customers pay from"""

import sqlalchemy as sa
from alembic import op

from app.core import money, types

revision = '0007_bank'
down_revision = '0006_reminders'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('bank_account',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(length=60), nullable=False),
    sa.Column('number', sa.String(length=34), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_account')),
    sa.UniqueConstraint('number', name=op.f('uq_bank_account_number')),
    sa.UniqueConstraint('title', name=op.f('uq_bank_account_title'))
    )
    op.create_table('bank_file',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('file_name', sa.String(length=120), nullable=False),
    sa.Column('message', sa.String(length=20), nullable=False),
    sa.Column('message_id', sa.String(length=70), nullable=False),
    sa.Column('document_id', types.BigId, nullable=False),
    sa.Column('seen', sa.Integer(), nullable=False),
    sa.Column('known', sa.Integer(), nullable=False),
    sa.Column('at', types.UTCDateTime(), nullable=False),
    sa.Column('by', sa.String(length=80), nullable=False),
    sa.Column('released_at', types.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_bank_file_document_id_document')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_file')),
    sa.UniqueConstraint('sha256', name=op.f('uq_bank_file_sha256'))
    )
    op.create_table('bank_statement',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('file_id', types.BigId, nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=40), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('opening', money.MoneyType(), nullable=True),
    sa.Column('closing', money.MoneyType(), nullable=True),
    sa.Column('closing_on', sa.Date(), nullable=True),
    sa.Column('adds_up', sa.Boolean(), nullable=True),
    sa.Column('follows', sa.Boolean(), nullable=True),
    sa.Column('complete_to', types.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['bank_account.id'], name=op.f('fk_bank_statement_account_id_bank_account')),
    sa.ForeignKeyConstraint(['file_id'], ['bank_file.id'], name=op.f('fk_bank_statement_file_id_bank_file')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_statement'))
    )
    with op.batch_alter_table('bank_statement', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bank_statement_account_id_complete_to'), ['account_id', 'complete_to'], unique=False)
        batch_op.create_index(batch_op.f('ix_bank_statement_file_id'), ['file_id'], unique=False)

    op.create_table('payer_account',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('iban', sa.String(length=34), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('last_on', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_payer_account_customer_id_customer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payer_account')),
    sa.UniqueConstraint('iban', 'customer_id', name=op.f('uq_payer_account_iban_customer_id'))
    )
    with op.batch_alter_table('payer_account', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_payer_account_customer_id'), ['customer_id'], unique=False)

    op.create_table('bank_line',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('file_id', types.BigId, nullable=False),
    sa.Column('checksum', sa.String(length=64), nullable=False),
    sa.Column('occurrence', sa.Integer(), nullable=False),
    sa.Column('source', sa.String(length=8), nullable=False),
    sa.Column('bank_reference', sa.String(length=140), nullable=False),
    sa.Column('entry_amount', money.MoneyType(), nullable=False),
    sa.Column('parts', sa.Integer(), nullable=False),
    sa.Column('booked_on', sa.Date(), nullable=False),
    sa.Column('amount', money.MoneyType(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('fee', money.MoneyType(), nullable=False),
    sa.Column('original', money.MoneyType(), nullable=True),
    sa.Column('party', sa.String(length=140), nullable=False),
    sa.Column('party_iban', sa.String(length=34), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('end_to_end_id', sa.String(length=70), nullable=False),
    sa.Column('mandate_id', sa.String(length=70), nullable=False),
    sa.Column('instruction_id', sa.String(length=70), nullable=False),
    sa.Column('collection_id', sa.String(length=70), nullable=False),
    sa.Column('bank_code', sa.String(length=40), nullable=False),
    sa.Column('returned', sa.Boolean(), nullable=False),
    sa.Column('reversal', sa.Boolean(), nullable=False),
    sa.Column('reason_code', sa.String(length=40), nullable=False),
    sa.Column('reason_text', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('new', 'payment', 'open', 'taken', 'noted', 'cleared', 'replaced', name='linestate', native_enum=False, length=24), nullable=False),
    sa.Column('payment_id', types.BigId, nullable=True),
    sa.Column('replaced_by_id', types.BigId, nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['bank_account.id'], name=op.f('fk_bank_line_account_id_bank_account')),
    sa.ForeignKeyConstraint(['file_id'], ['bank_file.id'], name=op.f('fk_bank_line_file_id_bank_file')),
    sa.ForeignKeyConstraint(['payment_id'], ['payment.id'], name=op.f('fk_bank_line_payment_id_payment')),
    sa.ForeignKeyConstraint(['replaced_by_id'], ['bank_file.id'], name=op.f('fk_bank_line_replaced_by_id_bank_file')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_line')),
    sa.UniqueConstraint('account_id', 'checksum', 'occurrence', name=op.f('uq_bank_line_account_id_checksum_occurrence'))
    )
    with op.batch_alter_table('bank_line', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bank_line_account_id_booked_on'), ['account_id', 'booked_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_bank_line_file_id'), ['file_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_bank_line_payment_id'), ['payment_id'], unique=False)
        batch_op.create_index('ix_bank_line_waiting', ['state'], unique=False, postgresql_where=sa.text("state in ('new', 'open')"), sqlite_where=sa.text("state in ('new', 'open')"))


def downgrade() -> None:
    op.drop_table('bank_line')
    op.drop_table('payer_account')
    op.drop_table('bank_statement')
    op.drop_table('bank_file')
    op.drop_table('bank_account')
