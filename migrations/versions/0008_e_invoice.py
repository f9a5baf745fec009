"""Which e-invoice a customer gets"""

import sqlalchemy as sa
from alembic import op

revision = '0008_e_invoice'
down_revision = '0007_bank'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('customer', sa.Column('e_invoice', sa.String(length=12), nullable=False, server_default=''))


def downgrade() -> None:
    with op.batch_alter_table('customer', schema=None) as batch_op:
        batch_op.drop_column('e_invoice')
