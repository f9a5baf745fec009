"""The account that a return names beside the number of a boleto."""

import sqlalchemy as sa
from alembic import op

revision = '0002_boleto_account'
down_revision = '0001_boleto'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('boleto_event', sa.Column('account', sa.String(length=20), nullable=False, server_default=''))


def downgrade() -> None:
    with op.batch_alter_table('boleto_event', schema=None) as batch_op:
        batch_op.drop_column('account')
