"""Agreements, boletos, instructions, files, returns."""

import sqlalchemy as sa
from alembic import op

from app.core import money, secrets, types  # noqa: F401

revision = '0001_boleto'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('boleto_agreement',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(length=60), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('bank', sa.String(length=3), nullable=False),
    sa.Column('layout', sa.Integer(), nullable=False),
    sa.Column('agency', sa.String(length=5), nullable=False),
    sa.Column('agency_digit', sa.String(length=1), nullable=False),
    sa.Column('account', sa.String(length=12), nullable=False),
    sa.Column('account_digit', sa.String(length=1), nullable=False),
    sa.Column('wallet', sa.String(length=3), nullable=False),
    sa.Column('agreement', sa.String(length=20), nullable=False),
    sa.Column('transmission', sa.String(length=20), nullable=False),
    sa.Column('post', sa.String(length=2), nullable=False),
    sa.Column('kind', sa.String(length=7), nullable=False),
    sa.Column('byte', sa.String(length=1), nullable=False),
    sa.Column('species', sa.String(length=2), nullable=False),
    sa.Column('first_number', sa.BigInteger(), nullable=False),
    sa.Column('last_number', sa.BigInteger(), nullable=False),
    sa.Column('next_number', sa.BigInteger(), nullable=False),
    sa.Column('number_year', sa.Integer(), nullable=False),
    sa.Column('next_file', sa.Integer(), nullable=False),
    sa.Column('beneficiary', sa.String(length=80), nullable=False),
    sa.Column('tax_id', sa.String(length=14), nullable=False),
    sa.Column('address', sa.String(length=120), nullable=False),
    sa.Column('city', sa.String(length=40), nullable=False),
    sa.Column('fine_percent', money.PriceType(), nullable=False),
    sa.Column('interest_percent', money.PriceType(), nullable=False),
    sa.Column('instructions', sa.String(length=300), nullable=False),
    sa.Column('pix_key', sa.String(length=77), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_boleto_agreement')),
    sa.UniqueConstraint('title', name=op.f('uq_boleto_agreement_title'))
    )
    op.create_table('boleto_remittance',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('agreement_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('total', money.MoneyType(), nullable=False),
    sa.Column('made_at', types.UTCDateTime(), nullable=False),
    sa.Column('made_by', sa.String(length=80), nullable=False),
    sa.Column('downloads', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['agreement_id'], ['boleto_agreement.id'], name=op.f('fk_boleto_remittance_agreement_id_boleto_agreement')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_boleto_remittance')),
    sa.UniqueConstraint('agreement_id', 'number', name=op.f('uq_boleto_remittance_agreement_id_number'))
    )
    op.create_table('boleto_return_file',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('file_name', sa.String(length=120), nullable=False),
    sa.Column('bank', sa.String(length=3), nullable=False),
    sa.Column('made_on', sa.Date(), nullable=True),
    sa.Column('document_id', types.BigId, nullable=True),
    sa.Column('at', types.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_boleto_return_file_document_id_document')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_boleto_return_file')),
    sa.UniqueConstraint('sha256', name=op.f('uq_boleto_return_file_sha256'))
    )
    op.create_table('boleto_remittance_file',
    sa.Column('remittance_id', sa.Integer(), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['remittance_id'], ['boleto_remittance.id'], name=op.f('fk_boleto_remittance_file_remittance_id_boleto_remittance')),
    sa.PrimaryKeyConstraint('remittance_id', name=op.f('pk_boleto_remittance_file'))
    )
    op.create_table('boleto_slip',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('agreement_id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('invoice_id', types.BigId, nullable=True),
    sa.Column('open_item_id', types.BigId, nullable=False),
    sa.Column('body', sa.String(length=20), nullable=False),
    sa.Column('full', sa.String(length=22), nullable=False),
    sa.Column('shown', sa.String(length=30), nullable=False),
    sa.Column('document', sa.String(length=15), nullable=False),
    sa.Column('issued_on', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('amount', money.MoneyType(), nullable=False),
    sa.Column('barcode', sa.String(length=44), nullable=False),
    sa.Column('line', sa.String(length=47), nullable=False),
    sa.Column('txid', sa.String(length=25), nullable=False),
    sa.Column('fine_percent', money.PriceType(), nullable=False),
    sa.Column('interest_percent', money.PriceType(), nullable=False),
    sa.Column('payer', types.Json, nullable=False),
    sa.Column('state', sa.Enum('new', 'sent', 'registered', 'rejected', 'paid', 'closed', 'void', name='slipstate', native_enum=False, length=24), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('paid_on', sa.Date(), nullable=True),
    sa.Column('paid', money.MoneyType(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['agreement_id'], ['boleto_agreement.id'], name=op.f('fk_boleto_slip_agreement_id_boleto_agreement')),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_boleto_slip_customer_id_customer')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoice.id'], name=op.f('fk_boleto_slip_invoice_id_invoice')),
    sa.ForeignKeyConstraint(['open_item_id'], ['open_item.id'], name=op.f('fk_boleto_slip_open_item_id_open_item')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_boleto_slip')),
    sa.UniqueConstraint('agreement_id', 'body', name=op.f('uq_boleto_slip_agreement_id_body')),
    sa.UniqueConstraint('barcode', name=op.f('uq_boleto_slip_barcode'))
    )
    with op.batch_alter_table('boleto_slip', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_boleto_slip_agreement_id_full'), ['agreement_id', 'full'], unique=False)
        batch_op.create_index(batch_op.f('ix_boleto_slip_customer_id_state'), ['customer_id', 'state'], unique=False)
        batch_op.create_index(batch_op.f('ix_boleto_slip_state'), ['state'], unique=False)
        batch_op.create_index('uq_boleto_slip_item', ['open_item_id'], unique=True, postgresql_where=sa.text("state in ('new', 'sent', 'registered')"), sqlite_where=sa.text("state in ('new', 'sent', 'registered')"))

    op.create_table('boleto_event',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('key', sa.String(length=120), nullable=False),
    sa.Column('source', sa.String(length=120), nullable=False),
    sa.Column('bank', sa.String(length=3), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('movement', sa.String(length=2), nullable=False),
    sa.Column('reasons', sa.String(length=20), nullable=False),
    sa.Column('number', sa.String(length=30), nullable=False),
    sa.Column('document', sa.String(length=30), nullable=False),
    sa.Column('on', sa.Date(), nullable=False),
    sa.Column('credited_on', sa.Date(), nullable=True),
    sa.Column('amount', money.MoneyType(), nullable=False),
    sa.Column('paid', money.MoneyType(), nullable=False),
    sa.Column('fee', money.MoneyType(), nullable=False),
    sa.Column('raw', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('done', 'look', 'open', 'cleared', name='eventstate', native_enum=False, length=24), nullable=False),
    sa.Column('problem', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('slip_id', types.BigId, nullable=True),
    sa.Column('payment_id', types.BigId, nullable=True),
    sa.Column('at', types.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['payment_id'], ['payment.id'], name=op.f('fk_boleto_event_payment_id_payment')),
    sa.ForeignKeyConstraint(['slip_id'], ['boleto_slip.id'], name=op.f('fk_boleto_event_slip_id_boleto_slip')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_boleto_event')),
    sa.UniqueConstraint('key', name=op.f('uq_boleto_event_key'))
    )
    with op.batch_alter_table('boleto_event', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_boleto_event_slip_id'), ['slip_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_boleto_event_state'), ['state'], unique=False)

    op.create_table('boleto_order',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('slip_id', types.BigId, nullable=False),
    sa.Column('kind', sa.Enum('entry', 'cancel', 'due', name='orderkind', native_enum=False, length=24), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('state', sa.Enum('planned', 'sent', 'confirmed', 'refused', 'withdrawn', name='orderstate', native_enum=False, length=24), nullable=False),
    sa.Column('remittance_id', sa.Integer(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['remittance_id'], ['boleto_remittance.id'], name=op.f('fk_boleto_order_remittance_id_boleto_remittance')),
    sa.ForeignKeyConstraint(['slip_id'], ['boleto_slip.id'], name=op.f('fk_boleto_order_slip_id_boleto_slip')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_boleto_order'))
    )
    with op.batch_alter_table('boleto_order', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_boleto_order_remittance_id'), ['remittance_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_boleto_order_slip_id'), ['slip_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_boleto_order_state'), ['state'], unique=False)
        batch_op.create_index('uq_boleto_order_planned', ['slip_id', 'kind'], unique=True, postgresql_where=sa.text("state = 'planned'"), sqlite_where=sa.text("state = 'planned'"))



def downgrade() -> None:
    with op.batch_alter_table('boleto_order', schema=None) as batch_op:
        batch_op.drop_index('uq_boleto_order_planned', postgresql_where=sa.text("state = 'planned'"), sqlite_where=sa.text("state = 'planned'"))
        batch_op.drop_index(batch_op.f('ix_boleto_order_state'))
        batch_op.drop_index(batch_op.f('ix_boleto_order_slip_id'))
        batch_op.drop_index(batch_op.f('ix_boleto_order_remittance_id'))

    op.drop_table('boleto_order')
    with op.batch_alter_table('boleto_event', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_boleto_event_state'))
        batch_op.drop_index(batch_op.f('ix_boleto_event_slip_id'))

    op.drop_table('boleto_event')
    with op.batch_alter_table('boleto_slip', schema=None) as batch_op:
        batch_op.drop_index('uq_boleto_slip_item', postgresql_where=sa.text("state in ('new', 'sent', 'registered')"), sqlite_where=sa.text("state in ('new', 'sent', 'registered')"))
        batch_op.drop_index(batch_op.f('ix_boleto_slip_state'))
        batch_op.drop_index(batch_op.f('ix_boleto_slip_customer_id_state'))
        batch_op.drop_index(batch_op.f('ix_boleto_slip_agreement_id_full'))

    op.drop_table('boleto_slip')
    op.drop_table('boleto_remittance_file')
    op.drop_table('boleto_return_file')
    op.drop_table('boleto_remittance')
    op.drop_table('boleto_agreement')
