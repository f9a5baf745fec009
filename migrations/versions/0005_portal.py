"""Sales partners with their prices, copies of personal data, deletion requests"""

import sqlalchemy as sa
from alembic import op

from app.core import money, types

revision = '0005_portal'
down_revision = '0005_staff'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('sales_partner',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('brand', sa.String(length=80), nullable=False),
    sa.Column('reply_to', sa.String(length=254), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_sales_partner_customer_id_customer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sales_partner')),
    sa.UniqueConstraint('customer_id', name=op.f('uq_sales_partner_customer_id'))
    )
    op.create_table('partner_price',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('partner_id', sa.Integer(), nullable=False),
    sa.Column('tariff_id', sa.Integer(), nullable=False),
    sa.Column('unit_price', money.PriceType(), nullable=False),
    sa.ForeignKeyConstraint(['partner_id'], ['sales_partner.id'], name=op.f('fk_partner_price_partner_id_sales_partner'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tariff_id'], ['tariff.id'], name=op.f('fk_partner_price_tariff_id_tariff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_partner_price')),
    sa.UniqueConstraint('partner_id', 'tariff_id', name=op.f('uq_partner_price_partner_id_tariff_id'))
    )
    op.create_index(op.f('ix_partner_price_tariff_id'), 'partner_price', ['tariff_id'])
    op.create_table('data_export',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('document_id', types.BigId, nullable=True),
    sa.Column('expires_at', types.UTCDateTime(), nullable=True),
    sa.Column('state', sa.Enum('waiting', 'claimed', 'done', 'held', 'unsure', 'cancelled', name='outboxstate', native_enum=False, length=24), nullable=False),
    sa.Column('due_at', types.UTCDateTime(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('claim', sa.Integer(), nullable=False),
    sa.Column('lease_until', types.UTCDateTime(), nullable=True),
    sa.Column('unsure', sa.Boolean(), nullable=False),
    sa.Column('done_at', types.UTCDateTime(), nullable=True),
    sa.Column('error', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_data_export_customer_id_customer')),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_data_export_document_id_document')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_data_export'))
    )
    op.create_index(op.f('ix_data_export_customer_id'), 'data_export', ['customer_id'])
    op.create_table('deletion_request',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('account', sa.String(length=254), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('open', 'done', 'refused', name='requeststate', native_enum=False, length=24), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('answered_at', types.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_deletion_request_customer_id_customer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deletion_request'))
    )
    op.create_index(op.f('ix_deletion_request_customer_id'), 'deletion_request', ['customer_id'])
    op.create_index(op.f('ix_deletion_request_state'), 'deletion_request', ['state'])


def downgrade() -> None:
    for table in ('deletion_request', 'data_export', 'partner_price', 'sales_partner'):
        op.drop_table(table)
