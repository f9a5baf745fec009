"""Which saved list somebody begins with"""

import sqlalchemy as sa
from alembic import op

revision = '0006_saved_lists'
down_revision = '0005_portal'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('staff_list_default',
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('view', sa.String(length=60), nullable=False),
    sa.Column('list_view_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['list_view_id'], ['staff_list_view.id'], name=op.f('fk_staff_list_default_list_view_id_staff_list_view'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_staff_list_default_user_id_ab_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'view', name=op.f('pk_staff_list_default'))
    )
    op.create_index(op.f('ix_staff_list_default_list_view_id'), 'staff_list_default', ['list_view_id'])


def downgrade() -> None:
    op.drop_table('staff_list_default')
