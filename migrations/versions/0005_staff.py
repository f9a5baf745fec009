"""Second factor of staff, saved lists, the representative's user"""

import sqlalchemy as sa
from alembic import op

from app.core import secrets, types

revision = '0005_staff'
down_revision = '0004_accounts'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('staff_factor',
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('secret', secrets.SecretType(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('confirmed_at', types.UTCDateTime(), nullable=True),
    sa.Column('last_step', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_staff_factor_user_id_ab_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_staff_factor'))
    )
    op.create_table('staff_recovery_code',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('code_hash', sa.String(length=64), nullable=False),
    sa.Column('used_at', types.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_staff_recovery_code_user_id_ab_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_recovery_code'))
    )
    op.create_index(op.f('ix_staff_recovery_code_user_id'), 'staff_recovery_code', ['user_id'])
    op.create_table('staff_list_view',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('view', sa.String(length=60), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('query', sa.Text(), nullable=False),
    sa.Column('shared', sa.Boolean(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_staff_list_view_user_id_ab_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_list_view')),
    sa.UniqueConstraint('user_id', 'view', 'name', name=op.f('uq_staff_list_view_user_id_view_name'))
    )
    op.create_index(op.f('ix_staff_list_view_view'), 'staff_list_view', ['view'])
    # written by hand: SQLite adds a column with its key only this way, and customers refer to the table, so it cannot be made anew
    op.execute('ALTER TABLE representative ADD COLUMN user_id INTEGER CONSTRAINT fk_representative_user_id_ab_user REFERENCES ab_user (id) ON DELETE SET NULL')
    op.create_index(op.f('ix_representative_user_id'), 'representative', ['user_id'])


def downgrade() -> None:
    op.drop_index(op.f('ix_representative_user_id'), 'representative')
    with op.batch_alter_table('representative') as batch:
        batch.drop_column('user_id')
    op.drop_table('staff_list_view')
    op.drop_table('staff_recovery_code')
    op.drop_table('staff_factor')
