"""Runs of accounting exports"""

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = '0018_accounting_exports'
down_revision = '0017_invoice_extras'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'accounting_run', sa.Column('id', sa.Integer(), nullable=False), sa.Column('key', sa.String(length=40), nullable=False), sa.Column('code', sa.String(length=30), nullable=False),
        sa.Column('title', sa.String(length=120), nullable=False), sa.Column('first_on', sa.Date(), nullable=False), sa.Column('last_on', sa.Date(), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False), sa.Column('state', sa.Enum('waiting', 'done', 'failed', name='runstate', native_enum=False, length=24), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False), sa.Column('error', sa.Text(), nullable=False), sa.Column('created_at', types.UTCDateTime(), nullable=False),
        sa.Column('created_by', sa.String(length=80), nullable=False), sa.Column('finished_at', types.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_accounting_run')), sa.UniqueConstraint('code', 'first_on', 'last_on', 'number', name=op.f('uq_accounting_run_code_first_on_last_on_number')),
        sa.UniqueConstraint('key', name=op.f('uq_accounting_run_key')))
    op.create_index(op.f('ix_accounting_run_state'), 'accounting_run', ['state'])
    op.create_table(
        'accounting_file', sa.Column('run_id', sa.Integer(), autoincrement=False, nullable=False), sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('document_id', types.BigId, nullable=False),
        sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_accounting_file_document_id_document')),
        sa.ForeignKeyConstraint(['run_id'], ['accounting_run.id'], name=op.f('fk_accounting_file_run_id_accounting_run')),
        sa.PrimaryKeyConstraint('run_id', 'number', name=op.f('pk_accounting_file')))


def downgrade() -> None:
    for table in ('accounting_file', 'accounting_run'):
        op.drop_table(table)
