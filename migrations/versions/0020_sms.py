"""SMS: outbox, reports, texts; links to the settings of a license; what PTT modes send"""

import sqlalchemy as sa
from alembic import op

from app.core import secrets, types

revision = '0020_sms'
down_revision = '0019_invoice_layout'
branch_labels = None
depends_on = None

OUTCOMES = ('delivered', 'failed', 'expired', 'unknown')


def upgrade() -> None:
    op.create_table(
        'sms_message', sa.Column('id', types.BigId, nullable=False), sa.Column('key', sa.String(length=120), nullable=False), sa.Column('kind', sa.String(length=40), nullable=False),
        sa.Column('subject', sa.String(length=120), nullable=False), sa.Column('recipient', sa.String(length=16), nullable=False), sa.Column('text', sa.Text(), nullable=False),
        sa.Column('sealed', secrets.SecretType(), nullable=True), sa.Column('sender', sa.String(length=16), nullable=False), sa.Column('parts', sa.Integer(), nullable=False),
        sa.Column('customer_id', sa.BigInteger(), nullable=True), sa.Column('license_id', sa.BigInteger(), nullable=True), sa.Column('expires_at', types.UTCDateTime(), nullable=True),
        sa.Column('gateway', sa.String(length=30), nullable=False), sa.Column('outcome', sa.Enum(*OUTCOMES, name='smsoutcome', native_enum=False, length=24), nullable=True),
        sa.Column('outcome_at', types.UTCDateTime(), nullable=True), sa.Column('outcome_reason', sa.String(length=200), nullable=False),
        sa.Column('state', sa.Enum('waiting', 'claimed', 'done', 'held', 'unsure', 'cancelled', name='outboxstate', native_enum=False, length=24), nullable=False),
        sa.Column('due_at', types.UTCDateTime(), nullable=False), sa.Column('created_at', types.UTCDateTime(), nullable=False), sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('claim', sa.Integer(), nullable=False), sa.Column('lease_until', types.UTCDateTime(), nullable=True), sa.Column('unsure', sa.Boolean(), nullable=False),
        sa.Column('done_at', types.UTCDateTime(), nullable=True), sa.Column('error', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_sms_message')), sa.UniqueConstraint('key', name=op.f('uq_sms_message_key')))
    op.create_index(op.f('ix_sms_message_customer_id_created_at'), 'sms_message', ['customer_id', 'created_at'])
    op.create_index(op.f('ix_sms_message_license_id_created_at'), 'sms_message', ['license_id', 'created_at'])
    for name, column, where in (('ix_sms_message_waiting', 'due_at', "state in ('waiting', 'claimed')"), ('ix_sms_message_unreported', 'done_at', "outcome is null and state = 'done'")):
        op.create_index(name, 'sms_message', [column], postgresql_where=sa.text(where), sqlite_where=sa.text(where))
    op.create_table(
        'sms_part', sa.Column('id', types.BigId, nullable=False), sa.Column('sms_id', types.BigId, nullable=True), sa.Column('gateway', sa.String(length=30), nullable=False),
        sa.Column('gateway_id', sa.String(length=100), nullable=False), sa.Column('outcome', sa.Enum(*OUTCOMES, name='smsoutcome', native_enum=False, length=24), nullable=True),
        sa.Column('at', types.UTCDateTime(), nullable=False), sa.Column('reason', sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(['sms_id'], ['sms_message.id'], name=op.f('fk_sms_part_sms_id_sms_message'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_sms_part')), sa.UniqueConstraint('gateway', 'gateway_id', name=op.f('uq_sms_part_gateway_gateway_id')))
    op.create_index(op.f('ix_sms_part_sms_id'), 'sms_part', ['sms_id'])
    op.create_index(op.f('ix_sms_part_at'), 'sms_part', ['at'])
    op.create_table(
        'sms_text', sa.Column('id', sa.Integer(), nullable=False), sa.Column('purpose', sa.String(length=40), nullable=False), sa.Column('variant', sa.String(length=12), nullable=False),
        sa.Column('language', sa.String(length=5), nullable=False), sa.Column('body', sa.Text(), nullable=False), sa.Column('changed_at', types.UTCDateTime(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False), sa.PrimaryKeyConstraint('id', name=op.f('pk_sms_text')),
        sa.UniqueConstraint('purpose', 'variant', 'language', name=op.f('uq_sms_text_purpose_variant_language')))
    op.create_table(
        'license_setup_link', sa.Column('id', types.BigId, nullable=False), sa.Column('license_id', types.BigId, nullable=False), sa.Column('token_hash', sa.String(length=64), nullable=False),
        sa.Column('phone', sa.String(length=24), nullable=False), sa.Column('created_at', types.UTCDateTime(), nullable=False), sa.Column('expires_at', types.UTCDateTime(), nullable=False),
        sa.Column('used_at', types.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(['license_id'], ['license.id'], name=op.f('fk_license_setup_link_license_id_license'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_license_setup_link')), sa.UniqueConstraint('token_hash', name=op.f('uq_license_setup_link_token_hash')))
    op.create_index(op.f('ix_license_setup_link_license_id'), 'license_setup_link', ['license_id'])
    op.create_index(op.f('ix_license_setup_link_expires_at'), 'license_setup_link', ['expires_at'])
    with op.batch_alter_table('ptt_mode') as table:
        table.add_column(sa.Column('configuration_sms', sa.Boolean(), nullable=False, server_default=sa.true()))
        table.add_column(sa.Column('setup_password', sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column('download_url', sa.String(length=200), nullable=False, server_default=''))
    op.execute("UPDATE ptt_mode SET setup_password = true WHERE code = 'talkip'")
    with op.batch_alter_table('ptt_mode') as table:
        for name in ('configuration_sms', 'setup_password', 'download_url'):
            table.alter_column(name, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table('ptt_mode') as table:
        for name in ('download_url', 'setup_password', 'configuration_sms'):
            table.drop_column(name)
    for name in ('license_setup_link', 'sms_text', 'sms_part', 'sms_message'):
        op.drop_table(name)
