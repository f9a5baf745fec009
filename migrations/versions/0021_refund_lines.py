"""The line of the bank's statement that a refund is"""

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = '0021_refund_lines'
down_revision = '0020_sms'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('bank_line', schema=None) as batch_op:
        batch_op.add_column(sa.Column('refund_id', types.BigId, nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_bank_line_refund_id_refund'), 'refund', ['refund_id'], ['id'])
        batch_op.create_unique_constraint(batch_op.f('uq_bank_line_refund_id'), ['refund_id'])


def downgrade() -> None:
    with op.batch_alter_table('bank_line', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('uq_bank_line_refund_id'), type_='unique')
        batch_op.drop_constraint(batch_op.f('fk_bank_line_refund_id_refund'), type_='foreignkey')
        batch_op.drop_column('refund_id')
