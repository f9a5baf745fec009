"""statistics: monthly figures, kept evaluations"""

import sqlalchemy as sa
from alembic import op

from app.core import money, types

revision = '0009_statistics'
down_revision = '0007_license_bulk'
branch_labels = None
depends_on = None


def dimensions():
    return (sa.Column('month', sa.String(length=7), nullable=False), sa.Column('product_id', sa.Integer(), nullable=False), sa.Column('tariff_id', sa.Integer(), nullable=False),
            sa.Column('server_id', sa.Integer(), nullable=False), sa.Column('mode_id', sa.Integer(), nullable=False), sa.Column('kind', sa.String(length=12), nullable=False),
            sa.Column('representative_id', sa.Integer(), nullable=False))


def upgrade() -> None:
    op.create_table(
        'license_stat', *dimensions(), sa.Column('id', types.BigId, nullable=False), sa.Column('state', sa.String(length=12), nullable=False), sa.Column('licenses', sa.Integer(), nullable=False),
        sa.Column('locked', sa.Integer(), nullable=False), sa.Column('new', sa.Integer(), nullable=False), sa.Column('deleted', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_license_stat')))
    op.create_index(op.f('ix_license_stat_month'), 'license_stat', ['month'])
    op.create_table(
        'revenue_stat', *dimensions(), sa.Column('id', types.BigId, nullable=False), sa.Column('currency', sa.String(length=3), nullable=False),
        sa.Column('revenue', money.MoneyType(), nullable=False), sa.Column('recurring', money.MoneyType(), nullable=False), sa.PrimaryKeyConstraint('id', name=op.f('pk_revenue_stat')))
    op.create_index(op.f('ix_revenue_stat_month'), 'revenue_stat', ['month'])
    op.create_table(
        'saved_evaluation', sa.Column('id', sa.Integer(), nullable=False), sa.Column('user_id', sa.Integer(), nullable=False), sa.Column('name', sa.String(length=60), nullable=False),
        sa.Column('question', types.Json, nullable=False), sa.Column('shared', sa.Boolean(), nullable=False), sa.Column('created_at', types.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_saved_evaluation_user_id_ab_user'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_evaluation')), sa.UniqueConstraint('user_id', 'name', name=op.f('uq_saved_evaluation_user_id_name')))


def downgrade() -> None:
    for table in ('saved_evaluation', 'revenue_stat', 'license_stat'):
        op.drop_table(table)
