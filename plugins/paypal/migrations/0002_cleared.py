"""When a case was cleared, and that nobody was told of it since"""

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = '0002_paypal_cleared'
down_revision = '0001_paypal'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('paypal_case', sa.Column('cleared_at', types.UTCDateTime(), nullable=True))
    op.execute("update paypal_case set cleared_at = created_at, told = false where state = 'cleared'")


def downgrade() -> None:
    with op.batch_alter_table('paypal_case', schema=None) as batch_op:
        batch_op.drop_column('cleared_at')
