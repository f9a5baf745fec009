"""Kinds of demands: principal, interest, cost, and what they belong to"""

import sqlalchemy as sa
from alembic import op

revision = '0005_demands'
down_revision = '0004_accounts'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('open_item', schema=None) as batch_op:
        batch_op.add_column(sa.Column('kind', sa.Enum('cost', 'interest', 'principal', name='demandkind', native_enum=False, length=24), nullable=False, server_default='principal'))
        batch_op.add_column(sa.Column('principal_id', sa.BigInteger().with_variant(sa.Integer, 'sqlite'), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_open_item_principal_id_open_item'), 'open_item', ['principal_id'], ['id'])
    op.create_index('ix_open_item_principal_id', 'open_item', ['principal_id'], postgresql_where=sa.text('principal_id is not null'), sqlite_where=sa.text('principal_id is not null'))


def downgrade() -> None:
    op.drop_index('ix_open_item_principal_id', table_name='open_item')
    with op.batch_alter_table('open_item', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_open_item_principal_id_open_item'), type_='foreignkey')
        batch_op.drop_column('principal_id')
        batch_op.drop_column('kind')
