"""What a bulk action did to each license"""

import sqlalchemy as sa
from alembic import op

revision = '0007_license_bulk'
down_revision = '0006_saved_lists'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('license_bulk_line',
    sa.Column('run_id', sa.Integer(), nullable=False),
    sa.Column('license_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'done', 'failed', name='bulkstate', native_enum=False, length=24), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['license_id'], ['license.id'], name=op.f('fk_license_bulk_line_license_id_license'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['run_id'], ['job_run.id'], name=op.f('fk_license_bulk_line_run_id_job_run'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('run_id', 'license_id', name=op.f('pk_license_bulk_line'))
    )
    op.create_index(op.f('ix_license_bulk_line_license_id'), 'license_bulk_line', ['license_id'])


def downgrade() -> None:
    op.drop_table('license_bulk_line')
