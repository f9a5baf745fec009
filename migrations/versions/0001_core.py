"""Core tables"""

import sqlalchemy as sa
from alembic import op

from app.billing.triggers import install_triggers
from app.core import money, secrets, text_index, types

revision = '0001_core'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('ab_group',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('label', sa.String(length=150), nullable=True),
    sa.Column('description', sa.String(length=512), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ab_group')),
    sa.UniqueConstraint('name', name=op.f('uq_ab_group_name'))
    )
    op.create_table('ab_permission',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ab_permission')),
    sa.UniqueConstraint('name', name=op.f('uq_ab_permission_name'))
    )
    op.create_table('ab_register_user',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('first_name', sa.String(length=64), nullable=False),
    sa.Column('last_name', sa.String(length=64), nullable=False),
    sa.Column('username', sa.String(length=128), nullable=False),
    sa.Column('password', sa.String(length=256), nullable=True),
    sa.Column('email', sa.String(length=320), nullable=False),
    sa.Column('registration_date', sa.DateTime(), nullable=True),
    sa.Column('registration_hash', sa.String(length=256), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ab_register_user')),
    sa.UniqueConstraint('email', name=op.f('uq_ab_register_user_email')),
    sa.UniqueConstraint('username', name=op.f('uq_ab_register_user_username'))
    )
    op.create_table('ab_role',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ab_role')),
    sa.UniqueConstraint('name', name=op.f('uq_ab_role_name'))
    )
    op.create_table('ab_user',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('first_name', sa.String(length=64), nullable=False),
    sa.Column('last_name', sa.String(length=64), nullable=False),
    sa.Column('username', sa.String(length=128), nullable=False),
    sa.Column('password', sa.String(length=256), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=True),
    sa.Column('email', sa.String(length=320), nullable=False),
    sa.Column('last_login', sa.DateTime(), nullable=True),
    sa.Column('login_count', sa.Integer(), nullable=True),
    sa.Column('fail_login_count', sa.Integer(), nullable=True),
    sa.Column('created_on', sa.DateTime(), nullable=True),
    sa.Column('changed_on', sa.DateTime(), nullable=True),
    sa.Column('created_by_fk', sa.Integer(), nullable=True),
    sa.Column('changed_by_fk', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_fk'], ['ab_user.id'], name=op.f('fk_ab_user_changed_by_fk_ab_user')),
    sa.ForeignKeyConstraint(['created_by_fk'], ['ab_user.id'], name=op.f('fk_ab_user_created_by_fk_ab_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ab_user')),
    sa.UniqueConstraint('email', name=op.f('uq_ab_user_email')),
    sa.UniqueConstraint('username', name=op.f('uq_ab_user_username'))
    )
    op.create_table('ab_view_menu',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=250), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ab_view_menu')),
    sa.UniqueConstraint('name', name=op.f('uq_ab_view_menu_name'))
    )
    op.create_table('article',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False),
    sa.Column('unit', sa.String(length=12), nullable=False),
    sa.Column('net_price', money.PriceType(), nullable=False),
    sa.Column('tax_class', sa.Enum('standard', 'reduced', 'zero', name='taxclass', native_enum=False, length=24), nullable=False),
    sa.Column('revenue_account', sa.String(length=12), nullable=False),
    sa.Column('commissionable', sa.Boolean(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('name_en', sa.String(length=120), nullable=False),
    sa.Column('name_de', sa.String(length=120), nullable=False),
    sa.Column('name_pt_br', sa.String(length=120), nullable=False),
    sa.CheckConstraint('net_price >= 0', name=op.f('ck_article_price')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_article')),
    sa.UniqueConstraint('number', name=op.f('uq_article_number'))
    )
    op.create_table('document',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('kind', sa.Enum('invoice', 'e_invoice', 'reminder', 'statement', 'upload', name='documentkind', native_enum=False, length=24), nullable=False),
    sa.Column('folder', sa.String(length=200), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('file_name', sa.String(length=120), nullable=False),
    sa.Column('media_type', sa.String(length=80), nullable=False),
    sa.Column('path', sa.String(length=250), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('customer_id', sa.BigInteger(), nullable=True),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('retain_until', sa.Date(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_document')),
    sa.UniqueConstraint('path', name=op.f('uq_document_path'))
    )
    with op.batch_alter_table('document', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_document_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_document_folder'), ['folder'], unique=False)

    op.create_table('event_failure',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('plugin', sa.String(length=40), nullable=False),
    sa.Column('event', sa.String(length=80), nullable=False),
    sa.Column('payload', types.Json, nullable=False),
    sa.Column('error', sa.Text(), nullable=False),
    sa.Column('at', types.UTCDateTime(), nullable=False),
    sa.Column('repeated_at', types.UTCDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_event_failure'))
    )
    op.create_table('invoice_series',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=12), nullable=False),
    sa.Column('title', sa.String(length=60), nullable=False),
    sa.Column('pattern', sa.String(length=40), nullable=False),
    sa.Column('yearly', sa.Boolean(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('next_number', sa.Integer(), nullable=False),
    sa.Column('last_hash', sa.String(length=64), nullable=False),
    sa.Column('last_date', sa.Date(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invoice_series')),
    sa.UniqueConstraint('code', name=op.f('uq_invoice_series_code'))
    )
    op.create_table('job_run',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('job', sa.String(length=80), nullable=False),
    sa.Column('period', sa.String(length=40), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('requested_by', sa.String(length=80), nullable=False),
    sa.Column('dry_run', sa.Boolean(), nullable=False),
    sa.Column('params', types.Json, nullable=False),
    sa.Column('planned', sa.Boolean(), nullable=False),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.Column('of', sa.Integer(), nullable=False),
    sa.Column('held_because', sa.Text(), nullable=False),
    sa.Column('approved_by', sa.String(length=80), nullable=True),
    sa.Column('state', sa.Enum('waiting', 'running', 'done', 'failed', 'held', 'cancelled', name='runstate', native_enum=False, length=24), nullable=False),
    sa.Column('claim', sa.Integer(), nullable=False),
    sa.Column('lease_until', types.UTCDateTime(), nullable=True),
    sa.Column('started_at', types.UTCDateTime(), nullable=True),
    sa.Column('finished_at', types.UTCDateTime(), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('counts', types.Json, nullable=False),
    sa.Column('error', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job_run')),
    sa.UniqueConstraint('job', 'period', name=op.f('uq_job_run_job_period'))
    )
    with op.batch_alter_table('job_run', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_job_run_state'), ['state'], unique=False)

    op.create_table('login_failure',
    sa.Column('key', sa.String(length=140), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('first_at', types.UTCDateTime(), nullable=False),
    sa.Column('last_at', types.UTCDateTime(), nullable=False),
    sa.Column('wait_until', types.UTCDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_login_failure'))
    )
    op.create_table('mail_message',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('key', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('recipient', sa.String(length=254), nullable=False),
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('message_id', sa.String(length=120), nullable=False),
    sa.Column('customer_id', sa.BigInteger(), nullable=True),
    sa.Column('document_ids', types.Json, nullable=False),
    sa.Column('resend_when_unsure', sa.Boolean(), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'claimed', 'done', 'held', 'unsure', 'cancelled', name='outboxstate', native_enum=False, length=24), nullable=False),
    sa.Column('due_at', types.UTCDateTime(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('claim', sa.Integer(), nullable=False),
    sa.Column('lease_until', types.UTCDateTime(), nullable=True),
    sa.Column('unsure', sa.Boolean(), nullable=False),
    sa.Column('done_at', types.UTCDateTime(), nullable=True),
    sa.Column('error', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mail_message')),
    sa.UniqueConstraint('key', name=op.f('uq_mail_message_key'))
    )
    with op.batch_alter_table('mail_message', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mail_message_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index('ix_mail_message_waiting', ['due_at'], unique=False, postgresql_where=sa.text("state = 'waiting'"))

    op.create_table('mark',
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.Column('at', types.UTCDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_mark'))
    )
    op.create_table('protocol_entry',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('at', types.UTCDateTime(), nullable=False),
    sa.Column('kind', sa.Enum('customer_mail', 'customer', 'license', 'billing', 'job_error', 'settings', 'security', name='protocolkind', native_enum=False, length=24), nullable=False),
    sa.Column('action', sa.String(length=40), nullable=False),
    sa.Column('subject_type', sa.String(length=40), nullable=False),
    sa.Column('subject_id', sa.BigInteger(), nullable=True),
    sa.Column('subject', sa.String(length=160), nullable=False),
    sa.Column('customer_id', sa.BigInteger(), nullable=True),
    sa.Column('actor_kind', sa.String(length=12), nullable=False),
    sa.Column('actor_name', sa.String(length=80), nullable=False),
    sa.Column('on_behalf', sa.String(length=80), nullable=True),
    sa.Column('origin', sa.String(length=45), nullable=True),
    sa.Column('changes', types.Json, nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_protocol_entry'))
    )
    with op.batch_alter_table('protocol_entry', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_protocol_entry_customer_id_at'), ['customer_id', 'at'], unique=False)
        batch_op.create_index(batch_op.f('ix_protocol_entry_kind_at'), ['kind', 'at'], unique=False)
        batch_op.create_index(batch_op.f('ix_protocol_entry_subject_type_subject_id'), ['subject_type', 'subject_id'], unique=False)

    op.create_table('ptt_mode',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=12), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('needs_phone', sa.Boolean(), nullable=False),
    sa.Column('group_invitation', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ptt_mode')),
    sa.UniqueConstraint('code', name=op.f('uq_ptt_mode_code'))
    )
    op.create_table('ptt_server',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('driver', sa.String(length=30), nullable=False),
    sa.Column('profile', sa.String(length=30), nullable=False),
    sa.Column('wsdl', sa.String(length=300), nullable=False),
    sa.Column('endpoint', sa.String(length=300), nullable=False),
    sa.Column('username', sa.String(length=80), nullable=False),
    sa.Column('secret', secrets.SecretType(), nullable=True),
    sa.Column('verify_tls', sa.Boolean(), nullable=False),
    sa.Column('allowed_hosts', sa.String(length=300), nullable=False),
    sa.Column('read_timeout', sa.Integer(), nullable=False),
    sa.Column('user_limit', sa.Integer(), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('health_ok', sa.Boolean(), nullable=True),
    sa.Column('health_note', sa.Text(), nullable=False),
    sa.Column('health_at', types.UTCDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ptt_server')),
    sa.UniqueConstraint('name', name=op.f('uq_ptt_server_name'))
    )
    op.create_table('representative',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('tax_number', sa.String(length=30), nullable=False),
    sa.Column('vat_id', sa.String(length=20), nullable=False),
    sa.Column('small_business', sa.Boolean(), nullable=False),
    sa.Column('iban', sa.String(length=34), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('street', sa.String(length=120), nullable=False),
    sa.Column('address_extra', sa.String(length=120), nullable=False),
    sa.Column('postcode', sa.String(length=12), nullable=False),
    sa.Column('city', sa.String(length=80), nullable=False),
    sa.Column('region', sa.String(length=40), nullable=False),
    sa.Column('country', sa.String(length=2), nullable=False),
    sa.Column('phone', sa.String(length=24), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_representative')),
    sa.UniqueConstraint('number', name=op.f('uq_representative_number'))
    )
    op.create_table('service',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=12), nullable=False),
    sa.Column('safety_critical', sa.Boolean(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('name_en', sa.String(length=120), nullable=False),
    sa.Column('name_de', sa.String(length=120), nullable=False),
    sa.Column('name_pt_br', sa.String(length=120), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_service')),
    sa.UniqueConstraint('code', name=op.f('uq_service_code'))
    )
    op.create_table('setting_value',
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('value', types.Json, nullable=False),
    sa.Column('changed_at', types.UTCDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_setting_value'))
    )
    op.create_table('tax_rate',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('country', sa.String(length=2), nullable=False),
    sa.Column('tax_class', sa.Enum('standard', 'reduced', 'zero', name='taxclass', native_enum=False, length=24), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('rate', money.PriceType(), nullable=False),
    sa.CheckConstraint('rate >= 0', name=op.f('ck_tax_rate_rate')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tax_rate')),
    sa.UniqueConstraint('country', 'tax_class', 'valid_from', name=op.f('uq_tax_rate_country_tax_class_valid_from'))
    )
    op.create_table('ab_api_key',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('uuid', sa.String(length=36), nullable=False),
    sa.Column('name', sa.String(length=256), nullable=False),
    sa.Column('key_hash', sa.String(length=256), nullable=False),
    sa.Column('lookup_hash', sa.String(length=256), nullable=True),
    sa.Column('key_prefix', sa.String(length=16), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('scopes', sa.Text(), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('created_on', sa.DateTime(), nullable=True),
    sa.Column('expires_on', sa.DateTime(), nullable=True),
    sa.Column('revoked_on', sa.DateTime(), nullable=True),
    sa.Column('last_used_on', sa.DateTime(), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_ab_api_key_user_id_ab_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ab_api_key')),
    sa.UniqueConstraint('lookup_hash', name=op.f('uq_ab_api_key_lookup_hash')),
    sa.UniqueConstraint('uuid', name=op.f('uq_ab_api_key_uuid'))
    )
    with op.batch_alter_table('ab_api_key', schema=None) as batch_op:
        batch_op.create_index('idx_api_key_lookup_hash', ['lookup_hash'], unique=True)
        batch_op.create_index('idx_api_key_prefix', ['key_prefix'], unique=False)
        batch_op.create_index('idx_api_key_user_id', ['user_id'], unique=False)

    op.create_table('ab_group_role',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('group_id', sa.Integer(), nullable=True),
    sa.Column('role_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['group_id'], ['ab_group.id'], name=op.f('fk_ab_group_role_group_id_ab_group'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['role_id'], ['ab_role.id'], name=op.f('fk_ab_group_role_role_id_ab_role'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ab_group_role')),
    sa.UniqueConstraint('group_id', 'role_id', name=op.f('uq_ab_group_role_group_id_role_id'))
    )
    with op.batch_alter_table('ab_group_role', schema=None) as batch_op:
        batch_op.create_index('idx_group_id', ['group_id'], unique=False)
        batch_op.create_index('idx_group_role_id', ['role_id'], unique=False)

    op.create_table('ab_permission_view',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('permission_id', sa.Integer(), nullable=False),
    sa.Column('view_menu_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['permission_id'], ['ab_permission.id'], name=op.f('fk_ab_permission_view_permission_id_ab_permission')),
    sa.ForeignKeyConstraint(['view_menu_id'], ['ab_view_menu.id'], name=op.f('fk_ab_permission_view_view_menu_id_ab_view_menu')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ab_permission_view')),
    sa.UniqueConstraint('permission_id', 'view_menu_id', name=op.f('uq_ab_permission_view_permission_id_view_menu_id'))
    )
    with op.batch_alter_table('ab_permission_view', schema=None) as batch_op:
        batch_op.create_index('idx_permission_id', ['permission_id'], unique=False)
        batch_op.create_index('idx_view_menu_id', ['view_menu_id'], unique=False)

    op.create_table('ab_user_group',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('group_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['group_id'], ['ab_group.id'], name=op.f('fk_ab_user_group_group_id_ab_group'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_ab_user_group_user_id_ab_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ab_user_group')),
    sa.UniqueConstraint('user_id', 'group_id', name=op.f('uq_ab_user_group_user_id_group_id'))
    )
    with op.batch_alter_table('ab_user_group', schema=None) as batch_op:
        batch_op.create_index('idx_user_group_id', ['group_id'], unique=False)
        batch_op.create_index('idx_user_id', ['user_id'], unique=False)

    op.create_table('ab_user_role',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('role_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['role_id'], ['ab_role.id'], name=op.f('fk_ab_user_role_role_id_ab_role'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_ab_user_role_user_id_ab_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ab_user_role')),
    sa.UniqueConstraint('user_id', 'role_id', name=op.f('uq_ab_user_role_user_id_role_id'))
    )
    op.create_table('association',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('server_id', sa.Integer(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['server_id'], ['ptt_server.id'], name=op.f('fk_association_server_id_ptt_server')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_association')),
    sa.UniqueConstraint('name', name=op.f('uq_association_name'))
    )
    op.create_table('customer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('closed', 'public', name='customerkind', native_enum=False, length=24), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False),
    sa.Column('company', sa.String(length=120), nullable=False),
    sa.Column('contact', sa.String(length=120), nullable=False),
    sa.Column('invoice_email', sa.String(length=254), nullable=False),
    sa.Column('business', sa.Boolean(), nullable=False),
    sa.Column('vat_id', sa.String(length=20), nullable=False),
    sa.Column('tax_number', sa.String(length=30), nullable=False),
    sa.Column('buyer_reference', sa.String(length=60), nullable=False),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('payment_method', sa.String(length=30), nullable=False),
    sa.Column('terms_days', sa.Integer(), nullable=False),
    sa.Column('invoice_by_mail', sa.Boolean(), nullable=False),
    sa.Column('article_id', sa.Integer(), nullable=True),
    sa.Column('server_id', sa.Integer(), nullable=True),
    sa.Column('representative_id', sa.Integer(), nullable=True),
    sa.Column('partner_id', sa.Integer(), nullable=True),
    sa.Column('state', sa.Enum('active', 'terminated', 'deleted', name='customerstate', native_enum=False, length=24), nullable=False),
    sa.Column('termination_date', sa.Date(), nullable=True),
    sa.Column('lock_reasons', sa.Integer(), nullable=False),
    sa.Column('lock_hold_until', sa.Date(), nullable=True),
    sa.Column('reminder_block', sa.Boolean(), nullable=False),
    sa.Column('paid_until', sa.Date(), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('changed_at', types.UTCDateTime(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('street', sa.String(length=120), nullable=False),
    sa.Column('address_extra', sa.String(length=120), nullable=False),
    sa.Column('postcode', sa.String(length=12), nullable=False),
    sa.Column('city', sa.String(length=80), nullable=False),
    sa.Column('region', sa.String(length=40), nullable=False),
    sa.Column('country', sa.String(length=2), nullable=False),
    sa.Column('phone', sa.String(length=24), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['article.id'], name=op.f('fk_customer_article_id_article')),
    sa.ForeignKeyConstraint(['partner_id'], ['customer.id'], name=op.f('fk_customer_partner_id_customer')),
    sa.ForeignKeyConstraint(['representative_id'], ['representative.id'], name=op.f('fk_customer_representative_id_representative')),
    sa.ForeignKeyConstraint(['server_id'], ['ptt_server.id'], name=op.f('fk_customer_server_id_ptt_server')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_customer')),
    sa.UniqueConstraint('number', name=op.f('uq_customer_number'))
    )
    with op.batch_alter_table('customer', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_customer_company'), ['company'], unique=False)
        batch_op.create_index('ix_customer_locked', ['lock_reasons'], unique=False, postgresql_where=sa.text('lock_reasons <> 0'), sqlite_where=sa.text('lock_reasons <> 0'))
        batch_op.create_index(batch_op.f('ix_customer_partner_id'), ['partner_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_customer_state'), ['state'], unique=False)

    op.create_table('job_note',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('run_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('subject', sa.String(length=160), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('at', types.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['job_run.id'], name=op.f('fk_job_note_run_id_job_run'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job_note'))
    )
    with op.batch_alter_table('job_note', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_job_note_run_id'), ['run_id'], unique=False)

    op.create_table('job_part',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('run_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('params', types.Json, nullable=False),
    sa.Column('state', sa.Enum('waiting', 'running', 'done', 'failed', 'held', 'cancelled', name='runstate', native_enum=False, length=24), nullable=False),
    sa.Column('claim', sa.Integer(), nullable=False),
    sa.Column('lease_until', types.UTCDateTime(), nullable=True),
    sa.Column('started_at', types.UTCDateTime(), nullable=True),
    sa.Column('finished_at', types.UTCDateTime(), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('counts', types.Json, nullable=False),
    sa.Column('error', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['job_run.id'], name=op.f('fk_job_part_run_id_job_run'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job_part')),
    sa.UniqueConstraint('run_id', 'number', name=op.f('uq_job_part_run_id_number'))
    )
    op.create_table('provisioning_order',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('kind', sa.Enum('license', 'group', name='orderkind', native_enum=False, length=24), nullable=False),
    sa.Column('target_id', sa.BigInteger(), nullable=False),
    sa.Column('server_id', sa.Integer(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'claimed', 'done', 'held', 'unsure', 'cancelled', name='outboxstate', native_enum=False, length=24), nullable=False),
    sa.Column('due_at', types.UTCDateTime(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('claim', sa.Integer(), nullable=False),
    sa.Column('lease_until', types.UTCDateTime(), nullable=True),
    sa.Column('unsure', sa.Boolean(), nullable=False),
    sa.Column('done_at', types.UTCDateTime(), nullable=True),
    sa.Column('error', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['server_id'], ['ptt_server.id'], name=op.f('fk_provisioning_order_server_id_ptt_server')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_provisioning_order')),
    sa.UniqueConstraint('kind', 'target_id', name=op.f('uq_provisioning_order_kind_target_id'))
    )
    with op.batch_alter_table('provisioning_order', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_provisioning_order_state_due_at'), ['state', 'due_at'], unique=False)

    op.create_table('ptt_server_mode',
    sa.Column('server_id', sa.Integer(), nullable=False),
    sa.Column('mode_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['mode_id'], ['ptt_mode.id'], name=op.f('fk_ptt_server_mode_mode_id_ptt_mode')),
    sa.ForeignKeyConstraint(['server_id'], ['ptt_server.id'], name=op.f('fk_ptt_server_mode_server_id_ptt_server'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('server_id', 'mode_id', name=op.f('pk_ptt_server_mode'))
    )
    op.create_table('staff_session',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('seen_at', types.UTCDateTime(), nullable=False),
    sa.Column('address', sa.String(length=45), nullable=False),
    sa.Column('agent', sa.String(length=200), nullable=False),
    sa.Column('ended_at', types.UTCDateTime(), nullable=True),
    sa.Column('ended_because', sa.String(length=20), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_staff_session_user_id_ab_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_session')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_staff_session_token_hash'))
    )
    with op.batch_alter_table('staff_session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_staff_session_user_id'), ['user_id'], unique=False)

    op.create_table('tariff',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('mode_id', sa.Integer(), nullable=False),
    sa.Column('article_id', sa.Integer(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('billing', sa.Enum('postpaid', 'prepaid', name='billing', native_enum=False, length=24), nullable=False),
    sa.Column('period_months', sa.Integer(), nullable=False),
    sa.Column('pro_rata', sa.Enum('none', 'day', name='prorata', native_enum=False, length=24), nullable=False),
    sa.Column('while_locked', sa.Enum('bill', 'skip', name='whilelocked', native_enum=False, length=24), nullable=False),
    sa.Column('tier_policy', sa.Enum('all_units', 'graduated', name='tierpolicy', native_enum=False, length=24), nullable=False),
    sa.Column('trial_days', sa.Integer(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('state', sa.Enum('draft', 'active', 'retired', name='tariffstate', native_enum=False, length=24), nullable=False),
    sa.CheckConstraint('period_months > 0 and trial_days >= 0', name=op.f('ck_tariff_numbers')),
    sa.ForeignKeyConstraint(['article_id'], ['article.id'], name=op.f('fk_tariff_article_id_article')),
    sa.ForeignKeyConstraint(['mode_id'], ['ptt_mode.id'], name=op.f('fk_tariff_mode_id_ptt_mode')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tariff')),
    sa.UniqueConstraint('code', name=op.f('uq_tariff_code'))
    )
    op.create_table('ab_permission_view_role',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('permission_view_id', sa.Integer(), nullable=True),
    sa.Column('role_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['permission_view_id'], ['ab_permission_view.id'], name=op.f('fk_ab_permission_view_role_permission_view_id_ab_permission_view'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['role_id'], ['ab_role.id'], name=op.f('fk_ab_permission_view_role_role_id_ab_role'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ab_permission_view_role')),
    sa.UniqueConstraint('permission_view_id', 'role_id', name=op.f('uq_ab_permission_view_role_permission_view_id_role_id'))
    )
    with op.batch_alter_table('ab_permission_view_role', schema=None) as batch_op:
        batch_op.create_index('idx_permission_view_id', ['permission_view_id'], unique=False)
        batch_op.create_index('idx_role_id', ['role_id'], unique=False)

    op.create_table('association_member',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('association_id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('requested', 'accepted', 'left', name='memberstate', native_enum=False, length=24), nullable=False),
    sa.Column('since', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['association_id'], ['association.id'], name=op.f('fk_association_member_association_id_association')),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_association_member_customer_id_customer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_association_member')),
    sa.UniqueConstraint('association_id', 'customer_id', name=op.f('uq_association_member_association_id_customer_id'))
    )
    op.create_table('billing_document',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('period', sa.String(length=7), nullable=False),
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('state', sa.Enum('draft', 'released', 'held', 'issued', name='billingstate', native_enum=False, length=24), nullable=False),
    sa.Column('held_because', sa.Text(), nullable=False),
    sa.Column('fees_net', money.MoneyType(), nullable=False),
    sa.Column('fees_count', sa.Integer(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_billing_document_customer_id_customer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_billing_document')),
    sa.UniqueConstraint('customer_id', 'period', 'sequence', name=op.f('uq_billing_document_customer_id_period_sequence'))
    )
    with op.batch_alter_table('billing_document', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_billing_document_state_period'), ['state', 'period'], unique=False)

    op.create_table('license',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('server_id', sa.Integer(), nullable=False),
    sa.Column('tariff_id', sa.Integer(), nullable=False),
    sa.Column('user_name', sa.String(length=64), nullable=False),
    sa.Column('alias', sa.String(length=60), nullable=False),
    sa.Column('phone', sa.String(length=24), nullable=False),
    sa.Column('device', sa.String(length=60), nullable=False),
    sa.Column('network', sa.String(length=60), nullable=False),
    sa.Column('permissions', sa.String(length=200), nullable=False),
    sa.Column('state', sa.Enum('active', 'ending', 'deleted', name='licensestate', native_enum=False, length=24), nullable=False),
    sa.Column('active_from', sa.Date(), nullable=False),
    sa.Column('active_to', sa.Date(), nullable=True),
    sa.Column('lock_reasons', sa.Integer(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('changed_at', types.UTCDateTime(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('sync_state', sa.Enum('pending', 'synced', 'failed', name='syncstate', native_enum=False, length=24), nullable=False),
    sa.Column('sync_error', sa.Text(), nullable=False),
    sa.Column('observed', types.Json, nullable=True),
    sa.Column('observed_at', types.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_license_customer_id_customer')),
    sa.ForeignKeyConstraint(['server_id'], ['ptt_server.id'], name=op.f('fk_license_server_id_ptt_server')),
    sa.ForeignKeyConstraint(['tariff_id'], ['tariff.id'], name=op.f('fk_license_tariff_id_tariff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_license'))
    )
    with op.batch_alter_table('license', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_license_active_to'), ['active_to'], unique=False)
        batch_op.create_index(batch_op.f('ix_license_alias'), ['alias'], unique=False)
        batch_op.create_index(batch_op.f('ix_license_customer_id_id'), ['customer_id', 'id'], unique=False, postgresql_include=['active_from', 'active_to'])
        batch_op.create_index('ix_license_ended', ['state', 'id'], unique=False, postgresql_where=sa.text("state <> 'active'"), sqlite_where=sa.text("state <> 'active'"))
        batch_op.create_index('ix_license_locked', ['customer_id', 'lock_reasons'], unique=False, postgresql_include=['state'], postgresql_where=sa.text('lock_reasons <> 0'), sqlite_where=sa.text('lock_reasons <> 0'))
        batch_op.create_index('ix_license_not_synced', ['sync_state'], unique=False, postgresql_where=sa.text("sync_state <> 'synced'"), sqlite_where=sa.text("sync_state <> 'synced'"))
        batch_op.create_index(batch_op.f('ix_license_phone'), ['phone'], unique=False)
        batch_op.create_index(batch_op.f('ix_license_tariff_id'), ['tariff_id'], unique=False)
        batch_op.create_index('uq_license_server_user', ['server_id', 'user_name'], unique=True)

    op.create_table('payment',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('key', sa.String(length=120), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=True),
    sa.Column('method', sa.String(length=30), nullable=False),
    sa.Column('received_on', sa.Date(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('amount', money.MoneyType(), nullable=False),
    sa.Column('free', money.MoneyType(), nullable=False),
    sa.Column('reference', sa.String(length=200), nullable=False),
    sa.Column('payer', sa.String(length=120), nullable=False),
    sa.Column('for_prepaid', sa.Boolean(), nullable=False),
    sa.Column('state', sa.Enum('booked', 'returned', name='paymentstate', native_enum=False, length=24), nullable=False),
    sa.Column('returned_on', sa.Date(), nullable=True),
    sa.Column('returned_because', sa.Text(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('created_by', sa.String(length=80), nullable=False),
    sa.CheckConstraint('free >= 0 and free <= amount and amount > 0', name=op.f('ck_payment_free')),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_payment_customer_id_customer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment')),
    sa.UniqueConstraint('key', name=op.f('uq_payment_key'))
    )
    with op.batch_alter_table('payment', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_payment_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index('ix_payment_free', ['customer_id'], unique=False, postgresql_where=sa.text('free > 0'), sqlite_where=sa.text('free > 0'))

    op.create_table('prepaid_period',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=False),
    sa.Column('months', sa.Integer(), nullable=False),
    sa.Column('licenses', sa.Integer(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('net', money.MoneyType(), nullable=False),
    sa.Column('amount', money.MoneyType(), nullable=False),
    sa.Column('applied_at', types.UTCDateTime(), nullable=False),
    sa.Column('reversed', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_prepaid_period_customer_id_customer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_prepaid_period'))
    )
    with op.batch_alter_table('prepaid_period', schema=None) as batch_op:
        batch_op.create_index('uq_prepaid_period_start', ['customer_id', 'valid_from'], unique=True, postgresql_where=sa.text('not reversed'), sqlite_where=sa.text('not reversed'))

    op.create_table('ptt_group',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=True),
    sa.Column('association_id', sa.Integer(), nullable=True),
    sa.Column('server_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('server_name', sa.String(length=64), nullable=False),
    sa.Column('deleted', sa.Boolean(), nullable=False),
    sa.Column('sync_state', sa.Enum('pending', 'synced', 'failed', name='syncstate', native_enum=False, length=24), nullable=False),
    sa.Column('sync_error', sa.Text(), nullable=False),
    sa.Column('observed', types.Json, nullable=True),
    sa.Column('observed_at', types.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['association_id'], ['association.id'], name=op.f('fk_ptt_group_association_id_association')),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_ptt_group_customer_id_customer')),
    sa.ForeignKeyConstraint(['server_id'], ['ptt_server.id'], name=op.f('fk_ptt_group_server_id_ptt_server')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ptt_group'))
    )
    with op.batch_alter_table('ptt_group', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_ptt_group_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index('uq_ptt_group_server_name', ['server_id', 'server_name'], unique=True)

    op.create_table('recurring_line',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('article_id', sa.Integer(), nullable=False),
    sa.Column('text', sa.String(length=200), nullable=False),
    sa.Column('quantity', money.PriceType(), nullable=False),
    sa.Column('unit_price', money.PriceType(), nullable=False),
    sa.Column('first_period', sa.String(length=7), nullable=False),
    sa.Column('last_period', sa.String(length=7), nullable=True),
    sa.Column('every_months', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['article.id'], name=op.f('fk_recurring_line_article_id_article')),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_recurring_line_customer_id_customer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recurring_line'))
    )
    op.create_table('tariff_assignment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('tariff_id', sa.Integer(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_tariff_assignment_customer_id_customer')),
    sa.ForeignKeyConstraint(['tariff_id'], ['tariff.id'], name=op.f('fk_tariff_assignment_tariff_id_tariff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tariff_assignment'))
    )
    with op.batch_alter_table('tariff_assignment', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_tariff_assignment_customer_id_tariff_id'), ['customer_id', 'tariff_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_tariff_assignment_valid_to'), ['valid_to'], unique=False)

    op.create_table('tariff_service',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('tariff_id', sa.Integer(), nullable=False),
    sa.Column('service_id', sa.Integer(), nullable=False),
    sa.Column('included', sa.Boolean(), nullable=False),
    sa.Column('unit_price', money.PriceType(), nullable=False),
    sa.CheckConstraint('unit_price >= 0', name=op.f('ck_tariff_service_price')),
    sa.ForeignKeyConstraint(['service_id'], ['service.id'], name=op.f('fk_tariff_service_service_id_service')),
    sa.ForeignKeyConstraint(['tariff_id'], ['tariff.id'], name=op.f('fk_tariff_service_tariff_id_tariff'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tariff_service')),
    sa.UniqueConstraint('tariff_id', 'service_id', name=op.f('uq_tariff_service_tariff_id_service_id'))
    )
    op.create_table('tariff_tier',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('tariff_id', sa.Integer(), nullable=False),
    sa.Column('from_quantity', sa.Integer(), nullable=False),
    sa.Column('unit_price', money.PriceType(), nullable=False),
    sa.CheckConstraint('from_quantity >= 1 and unit_price >= 0', name=op.f('ck_tariff_tier_numbers')),
    sa.ForeignKeyConstraint(['tariff_id'], ['tariff.id'], name=op.f('fk_tariff_tier_tariff_id_tariff'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tariff_tier')),
    sa.UniqueConstraint('tariff_id', 'from_quantity', name=op.f('uq_tariff_tier_tariff_id_from_quantity'))
    )
    op.create_table('charge',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('document_id', types.BigId, nullable=False),
    sa.Column('license_id', sa.BigInteger(), nullable=False),
    sa.Column('tariff_id', sa.Integer(), nullable=False),
    sa.Column('service_id', sa.Integer(), nullable=False),
    sa.Column('period_start', sa.Date(), nullable=False),
    sa.Column('period_end', sa.Date(), nullable=False),
    sa.Column('days', sa.Integer(), nullable=False),
    sa.Column('of_days', sa.Integer(), nullable=False),
    sa.Column('unit_price', money.PriceType(), nullable=False),
    sa.Column('net', money.MoneyType(), nullable=False),
    sa.Column('text', sa.String(length=120), nullable=False),
    sa.Column('article_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['billing_document.id'], name=op.f('fk_charge_document_id_billing_document')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_charge')),
    sa.UniqueConstraint('license_id', 'tariff_id', 'service_id', 'period_start', name=op.f('uq_charge_license_id_tariff_id_service_id_period_start'))
    )
    with op.batch_alter_table('charge', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_charge_document_id'), ['document_id'], unique=False)

    op.create_table('invoice',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('number', sa.String(length=40), nullable=False),
    sa.Column('series_id', sa.Integer(), nullable=False),
    sa.Column('chain_index', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.Enum('invoice', 'cancellation', 'credit_note', name='invoicekind', native_enum=False, length=24), nullable=False),
    sa.Column('cancels_id', types.BigId, nullable=True),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('document_id', types.BigId, nullable=True),
    sa.Column('issued_on', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('service_from', sa.Date(), nullable=True),
    sa.Column('service_to', sa.Date(), nullable=True),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('payment_method', sa.String(length=30), nullable=False),
    sa.Column('net', money.MoneyType(), nullable=False),
    sa.Column('tax', money.MoneyType(), nullable=False),
    sa.Column('gross', money.MoneyType(), nullable=False),
    sa.Column('buyer', types.Json, nullable=False),
    sa.Column('seller', types.Json, nullable=False),
    sa.Column('notes', types.Json, nullable=False),
    sa.Column('issued_at', types.UTCDateTime(), nullable=False),
    sa.Column('previous_hash', sa.String(length=64), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['cancels_id'], ['invoice.id'], name=op.f('fk_invoice_cancels_id_invoice')),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_invoice_customer_id_customer')),
    sa.ForeignKeyConstraint(['document_id'], ['billing_document.id'], name=op.f('fk_invoice_document_id_billing_document')),
    sa.ForeignKeyConstraint(['series_id'], ['invoice_series.id'], name=op.f('fk_invoice_series_id_invoice_series')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invoice')),
    sa.UniqueConstraint('document_id', name=op.f('uq_invoice_document_id')),
    sa.UniqueConstraint('number', name=op.f('uq_invoice_number')),
    sa.UniqueConstraint('series_id', 'chain_index', name=op.f('uq_invoice_series_id_chain_index'))
    )
    with op.batch_alter_table('invoice', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_invoice_cancels_id'), ['cancels_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_invoice_customer_id_issued_on'), ['customer_id', 'issued_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_invoice_issued_on'), ['issued_on'], unique=False)
        batch_op.create_index('uq_invoice_cancellation', ['cancels_id'], unique=True, postgresql_where=sa.text("kind = 'cancellation'"), sqlite_where=sa.text("kind = 'cancellation'"))

    op.create_table('license_service',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('license_id', types.BigId, nullable=False),
    sa.Column('service_id', sa.Integer(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['license_id'], ['license.id'], name=op.f('fk_license_service_license_id_license'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['service_id'], ['service.id'], name=op.f('fk_license_service_service_id_service')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_license_service')),
    sa.UniqueConstraint('license_id', 'service_id', 'valid_from', name=op.f('uq_license_service_license_id_service_id_valid_from'), postgresql_include=['valid_to'])
    )
    op.create_table('license_tariff',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('license_id', types.BigId, nullable=False),
    sa.Column('tariff_id', sa.Integer(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['license_id'], ['license.id'], name=op.f('fk_license_tariff_license_id_license'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tariff_id'], ['tariff.id'], name=op.f('fk_license_tariff_tariff_id_tariff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_license_tariff')),
    sa.UniqueConstraint('license_id', 'valid_from', name=op.f('uq_license_tariff_license_id_valid_from'), postgresql_include=['tariff_id', 'valid_to'])
    )
    op.create_table('lock_period',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('license_id', types.BigId, nullable=True),
    sa.Column('reason', sa.Integer(), nullable=False),
    sa.Column('from_at', types.UTCDateTime(), nullable=False),
    sa.Column('to_at', types.UTCDateTime(), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('ended_note', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_lock_period_customer_id_customer')),
    sa.ForeignKeyConstraint(['license_id'], ['license.id'], name=op.f('fk_lock_period_license_id_license'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lock_period'))
    )
    with op.batch_alter_table('lock_period', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lock_period_customer_id_from_at'), ['customer_id', 'from_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_lock_period_license_id'), ['license_id'], unique=False)

    op.create_table('manual_line',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('document_id', types.BigId, nullable=False),
    sa.Column('article_id', sa.Integer(), nullable=False),
    sa.Column('recurring_id', sa.Integer(), nullable=True),
    sa.Column('text', sa.String(length=200), nullable=False),
    sa.Column('quantity', money.PriceType(), nullable=False),
    sa.Column('unit_price', money.PriceType(), nullable=False),
    sa.Column('net', money.MoneyType(), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['article.id'], name=op.f('fk_manual_line_article_id_article')),
    sa.ForeignKeyConstraint(['document_id'], ['billing_document.id'], name=op.f('fk_manual_line_document_id_billing_document'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['recurring_id'], ['recurring_line.id'], name=op.f('fk_manual_line_recurring_id_recurring_line')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_manual_line')),
    sa.UniqueConstraint('recurring_id', 'document_id', name=op.f('uq_manual_line_recurring_id_document_id'))
    )
    with op.batch_alter_table('manual_line', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_manual_line_document_id'), ['document_id'], unique=False)

    op.create_table('prepaid_use',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('period_id', types.BigId, nullable=False),
    sa.Column('payment_id', types.BigId, nullable=False),
    sa.Column('amount', money.MoneyType(), nullable=False),
    sa.CheckConstraint('amount > 0', name=op.f('ck_prepaid_use_amount')),
    sa.ForeignKeyConstraint(['payment_id'], ['payment.id'], name=op.f('fk_prepaid_use_payment_id_payment')),
    sa.ForeignKeyConstraint(['period_id'], ['prepaid_period.id'], name=op.f('fk_prepaid_use_period_id_prepaid_period')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_prepaid_use')),
    sa.UniqueConstraint('period_id', 'payment_id', name=op.f('uq_prepaid_use_period_id_payment_id'))
    )
    with op.batch_alter_table('prepaid_use', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_prepaid_use_payment_id'), ['payment_id'], unique=False)

    op.create_table('ptt_group_member',
    sa.Column('group_id', sa.Integer(), nullable=False),
    sa.Column('license_id', types.BigId, nullable=False),
    sa.ForeignKeyConstraint(['group_id'], ['ptt_group.id'], name=op.f('fk_ptt_group_member_group_id_ptt_group'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['license_id'], ['license.id'], name=op.f('fk_ptt_group_member_license_id_license'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('group_id', 'license_id', name=op.f('pk_ptt_group_member'))
    )
    with op.batch_alter_table('ptt_group_member', schema=None) as batch_op:
        batch_op.create_index('ix_ptt_group_member_license_id', ['license_id'], unique=False)

    op.create_table('invoice_file',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('invoice_id', types.BigId, nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('document_id', types.BigId, nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_invoice_file_document_id_document')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoice.id'], name=op.f('fk_invoice_file_invoice_id_invoice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invoice_file')),
    sa.UniqueConstraint('invoice_id', 'kind', name=op.f('uq_invoice_file_invoice_id_kind'))
    )
    op.create_table('invoice_line',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('invoice_id', types.BigId, nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('article_number', sa.String(length=20), nullable=False),
    sa.Column('revenue_account', sa.String(length=12), nullable=False),
    sa.Column('text', sa.String(length=250), nullable=False),
    sa.Column('quantity', money.PriceType(), nullable=False),
    sa.Column('unit', sa.String(length=12), nullable=False),
    sa.Column('unit_price', money.PriceType(), nullable=False),
    sa.Column('net', money.MoneyType(), nullable=False),
    sa.Column('tax_category', sa.String(length=3), nullable=False),
    sa.Column('tax_rate', money.PriceType(), nullable=False),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoice.id'], name=op.f('fk_invoice_line_invoice_id_invoice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invoice_line')),
    sa.UniqueConstraint('invoice_id', 'number', name=op.f('uq_invoice_line_invoice_id_number'))
    )
    op.create_table('invoice_tax',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('invoice_id', types.BigId, nullable=False),
    sa.Column('category', sa.String(length=3), nullable=False),
    sa.Column('rate', money.PriceType(), nullable=False),
    sa.Column('base', money.MoneyType(), nullable=False),
    sa.Column('tax', money.MoneyType(), nullable=False),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoice.id'], name=op.f('fk_invoice_tax_invoice_id_invoice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invoice_tax')),
    sa.UniqueConstraint('invoice_id', 'category', 'rate', name=op.f('uq_invoice_tax_invoice_id_category_rate'))
    )
    op.create_table('open_item',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('invoice_id', types.BigId, nullable=True),
    sa.Column('reference', sa.String(length=60), nullable=False),
    sa.Column('issued_on', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('amount', money.MoneyType(), nullable=False),
    sa.Column('open', money.MoneyType(), nullable=False),
    sa.Column('settled_on', sa.Date(), nullable=True),
    sa.Column('disputed', sa.Boolean(), nullable=False),
    sa.Column('dispute_note', sa.Text(), nullable=False),
    sa.Column('reminder_block', sa.Boolean(), nullable=False),
    sa.Column('lock_notice_on', sa.Date(), nullable=True),
    sa.CheckConstraint('open >= 0 and open <= amount', name=op.f('ck_open_item_open')),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_open_item_customer_id_customer')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoice.id'], name=op.f('fk_open_item_invoice_id_invoice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_open_item')),
    sa.UniqueConstraint('invoice_id', name=op.f('uq_open_item_invoice_id'))
    )
    with op.batch_alter_table('open_item', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_open_item_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index('ix_open_item_due', ['due_on', 'customer_id'], unique=False, postgresql_where=sa.text('open > 0'), sqlite_where=sa.text('open > 0'))

    op.create_table('allocation',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('payment_id', types.BigId, nullable=False),
    sa.Column('open_item_id', types.BigId, nullable=False),
    sa.Column('amount', money.MoneyType(), nullable=False),
    sa.Column('at', types.UTCDateTime(), nullable=False),
    sa.Column('on_date', sa.Date(), nullable=False),
    sa.Column('reverses_id', types.BigId, nullable=True),
    sa.Column('why', sa.String(length=120), nullable=False),
    sa.ForeignKeyConstraint(['open_item_id'], ['open_item.id'], name=op.f('fk_allocation_open_item_id_open_item')),
    sa.ForeignKeyConstraint(['payment_id'], ['payment.id'], name=op.f('fk_allocation_payment_id_payment')),
    sa.ForeignKeyConstraint(['reverses_id'], ['allocation.id'], name=op.f('fk_allocation_reverses_id_allocation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_allocation')),
    sa.UniqueConstraint('reverses_id', name=op.f('uq_allocation_reverses_id'))
    )
    with op.batch_alter_table('allocation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_allocation_open_item_id'), ['open_item_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_allocation_payment_id'), ['payment_id'], unique=False)

    install_triggers(op.get_bind())
    text_index.install(op.get_bind(), {"customer": ("company", "number"), "license": ("alias", "user_name", "phone"), "ptt_group": ("name",),
                                       "invoice": ("number",), "open_item": ("reference",), "payment": ("payer", "reference")})


def downgrade() -> None:
    raise NotImplementedError("back is a restore of the backup: invoices are never dropped by a migration")
