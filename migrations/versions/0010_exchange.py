"""exchange: export profiles and files, lock lists"""

import sqlalchemy as sa
from alembic import op

from app.core import secrets, types

revision = '0010_exchange'
down_revision = '0009_statistics'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'export_profile', sa.Column('id', sa.Integer(), nullable=False), sa.Column('name', sa.String(length=60), nullable=False),
        sa.Column('what', sa.Enum('licenses', 'customers', name='what', native_enum=False, length=24), nullable=False), sa.Column('columns', types.Json, nullable=False),
        sa.Column('format', sa.Enum('csv', 'xlsx', 'json', name='format', native_enum=False, length=24), nullable=False), sa.Column('deleted_too', sa.Boolean(), nullable=False),
        sa.Column('schedule', sa.Enum('never', 'daily', 'weekly', 'monthly', name='schedule', native_enum=False, length=24), nullable=False), sa.Column('hour', sa.Integer(), nullable=False),
        sa.Column('target', sa.String(length=300), nullable=False), sa.Column('secret', secrets.SecretType(), nullable=True), sa.Column('active', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_export_profile')), sa.UniqueConstraint('name', name=op.f('uq_export_profile_name')))
    op.create_table(
        'export_run', sa.Column('id', types.BigId, nullable=False), sa.Column('profile_id', sa.Integer(), nullable=False), sa.Column('period', sa.String(length=30), nullable=False),
        sa.Column('state', sa.Enum('waiting', 'done', 'failed', name='runstate', native_enum=False, length=24), nullable=False), sa.Column('rows', sa.Integer(), nullable=False),
        sa.Column('attempts', sa.Integer(), nullable=False), sa.Column('file_name', sa.String(length=120), nullable=False), sa.Column('document_id', types.BigId, nullable=True),
        sa.Column('error', sa.Text(), nullable=False), sa.Column('created_at', types.UTCDateTime(), nullable=False), sa.Column('finished_at', types.UTCDateTime(), nullable=True),
        sa.Column('created_by', sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_export_run_document_id_document')),
        sa.ForeignKeyConstraint(['profile_id'], ['export_profile.id'], name=op.f('fk_export_run_profile_id_export_profile'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_export_run')), sa.UniqueConstraint('profile_id', 'period', name=op.f('uq_export_run_profile_id_period')))
    op.create_index(op.f('ix_export_run_state'), 'export_run', ['state'])
    op.create_table(
        'lock_import', sa.Column('id', types.BigId, nullable=False), sa.Column('file_name', sa.String(length=120), nullable=False), sa.Column('sha256', sa.String(length=64), nullable=False),
        sa.Column('state', sa.Enum('seen', 'taken', 'done', name='importstate', native_enum=False, length=24), nullable=False), sa.Column('lines', sa.Integer(), nullable=False),
        sa.Column('repeats_id', types.BigId, nullable=True), sa.Column('reason', sa.Text(), nullable=False), sa.Column('job_run_id', sa.Integer(), nullable=True),
        sa.Column('created_at', types.UTCDateTime(), nullable=False), sa.Column('created_by', sa.String(length=80), nullable=False), sa.Column('actor', types.Json, nullable=False),
        sa.ForeignKeyConstraint(['repeats_id'], ['lock_import.id'], name=op.f('fk_lock_import_repeats_id_lock_import')), sa.PrimaryKeyConstraint('id', name=op.f('pk_lock_import')))
    op.create_index(op.f('ix_lock_import_sha256'), 'lock_import', ['sha256'])
    op.create_table(
        'lock_line', sa.Column('id', types.BigId, nullable=False), sa.Column('import_id', types.BigId, nullable=False), sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('named', sa.String(length=120), nullable=False), sa.Column('lock', sa.Boolean(), nullable=False), sa.Column('note', sa.String(length=200), nullable=False),
        sa.Column('license_id', types.BigId, nullable=True), sa.Column('state', sa.Enum('waiting', 'changed', 'unchanged', 'wrong', name='linestate', native_enum=False, length=24), nullable=False),
        sa.Column('reason', sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(['import_id'], ['lock_import.id'], name=op.f('fk_lock_line_import_id_lock_import'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['license_id'], ['license.id'], name=op.f('fk_lock_line_license_id_license'), ondelete='SET NULL'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_lock_line')), sa.UniqueConstraint('import_id', 'number', name=op.f('uq_lock_line_import_id_number')))
    op.create_index(op.f('ix_lock_line_import_id_state'), 'lock_line', ['import_id', 'state'])


def downgrade() -> None:
    for table in ('lock_line', 'lock_import', 'export_run', 'export_profile'):
        op.drop_table(table)
