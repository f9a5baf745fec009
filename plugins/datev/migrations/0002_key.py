"""The accounting export that a batch was made for"""

import sqlalchemy as sa
from alembic import op

revision = '8c1f4d0b7a52'
down_revision = '629b3a28ae46'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('datev_export', schema=None) as batch_op:
        batch_op.add_column(sa.Column('key', sa.String(length=40), nullable=True))
        batch_op.create_unique_constraint(batch_op.f('uq_datev_export_key'), ['key'])


def downgrade() -> None:
    with op.batch_alter_table('datev_export', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('uq_datev_export_key'), type_='unique')
        batch_op.drop_column('key')
