"""bank statements: whether one is missing before them is looked at, not stored"""

import sqlalchemy as sa
from alembic import op

revision = '0015_statement_gaps'
down_revision = '0014_customer_lock'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column('bank_statement', 'follows')


def downgrade() -> None:
    op.add_column('bank_statement', sa.Column('follows', sa.Boolean(), nullable=True))
