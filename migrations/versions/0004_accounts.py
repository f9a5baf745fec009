"""Portal accounts, terms, prospects, texts of e-mails"""

import sqlalchemy as sa
from alembic import op

from app.core import secrets, types
from app.customers.terms_triggers import install_triggers, remove_triggers

revision = '0004_accounts'
down_revision = '0003_api'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('mail_text',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('purpose', sa.String(length=60), nullable=False),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('changed_at', types.UTCDateTime(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mail_text')),
    sa.UniqueConstraint('purpose', 'language', name=op.f('uq_mail_text_purpose_language'))
    )
    op.create_table('password_request',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=254), nullable=False),
    sa.Column('address', sa.String(length=45), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'claimed', 'done', 'held', 'unsure', 'cancelled', name='outboxstate', native_enum=False, length=24), nullable=False),
    sa.Column('due_at', types.UTCDateTime(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('claim', sa.Integer(), nullable=False),
    sa.Column('lease_until', types.UTCDateTime(), nullable=True),
    sa.Column('unsure', sa.Boolean(), nullable=False),
    sa.Column('done_at', types.UTCDateTime(), nullable=True),
    sa.Column('error', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_password_request'))
    )
    op.create_table('terms_version',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=20), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('text_en', sa.Text(), nullable=False),
    sa.Column('text_de', sa.Text(), nullable=False),
    sa.Column('text_pt_br', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('draft', 'published', name='termsstate', native_enum=False, length=24), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('published_at', types.UTCDateTime(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_terms_version')),
    sa.UniqueConstraint('name', name=op.f('uq_terms_version_name'))
    )
    op.create_table('throttle',
    sa.Column('key', sa.String(length=100), nullable=False),
    sa.Column('hits', types.Json, nullable=False),
    sa.Column('last_at', types.UTCDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_throttle'))
    )
    with op.batch_alter_table('throttle', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_throttle_last_at'), ['last_at'], unique=False)

    op.create_table('portal_account',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('login', sa.String(length=254), nullable=True),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('state', sa.Enum('invited', 'active', 'disabled', name='accountstate', native_enum=False, length=24), nullable=False),
    sa.Column('password_hash', sa.String(length=200), nullable=True),
    sa.Column('password_set_at', types.UTCDateTime(), nullable=True),
    sa.Column('last_login_at', types.UTCDateTime(), nullable=True),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_portal_account_customer_id_customer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_portal_account')),
    sa.UniqueConstraint('login', name=op.f('uq_portal_account_login'))
    )
    with op.batch_alter_table('portal_account', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_portal_account_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index('uq_portal_account_main', ['customer_id'], unique=True, postgresql_where=sa.text('login IS NULL'), sqlite_where=sa.text('login IS NULL'))

    op.create_table('prospect',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('closed', 'public', name='customerkind', native_enum=False, length=24), nullable=False),
    sa.Column('company', sa.String(length=120), nullable=False),
    sa.Column('contact', sa.String(length=120), nullable=False),
    sa.Column('vat_id', sa.String(length=20), nullable=False),
    sa.Column('tax_number', sa.String(length=30), nullable=False),
    sa.Column('devices', sa.Integer(), nullable=True),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('origin', sa.String(length=20), nullable=False),
    sa.Column('network_address', sa.String(length=45), nullable=False),
    sa.Column('terms_id', sa.Integer(), nullable=True),
    sa.Column('state', sa.Enum('new', 'confirmed', 'imported', 'rejected', name='prospectstate', native_enum=False, length=24), nullable=False),
    sa.Column('confirm_hash', sa.String(length=64), nullable=True),
    sa.Column('confirm_until', types.UTCDateTime(), nullable=True),
    sa.Column('confirmed_at', types.UTCDateTime(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=True),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('street', sa.String(length=120), nullable=False),
    sa.Column('address_extra', sa.String(length=120), nullable=False),
    sa.Column('postcode', sa.String(length=12), nullable=False),
    sa.Column('city', sa.String(length=80), nullable=False),
    sa.Column('region', sa.String(length=40), nullable=False),
    sa.Column('country', sa.String(length=2), nullable=False),
    sa.Column('phone', sa.String(length=24), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_prospect_customer_id_customer')),
    sa.ForeignKeyConstraint(['terms_id'], ['terms_version.id'], name=op.f('fk_prospect_terms_id_terms_version')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_prospect')),
    sa.UniqueConstraint('confirm_hash', name=op.f('uq_prospect_confirm_hash'))
    )
    with op.batch_alter_table('prospect', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_prospect_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_prospect_email'), ['email'], unique=False)
        batch_op.create_index(batch_op.f('ix_prospect_state'), ['state'], unique=False)

    op.create_table('terms_acceptance',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('account', sa.String(length=254), nullable=False),
    sa.Column('terms_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.String(length=20), nullable=False),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('at', types.UTCDateTime(), nullable=False),
    sa.Column('address', sa.String(length=45), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('how', sa.String(length=20), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_terms_acceptance_customer_id_customer')),
    sa.ForeignKeyConstraint(['terms_id'], ['terms_version.id'], name=op.f('fk_terms_acceptance_terms_id_terms_version')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_terms_acceptance'))
    )
    with op.batch_alter_table('terms_acceptance', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_terms_acceptance_customer_id'), ['customer_id'], unique=False)

    op.create_table('password_link',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('purpose', sa.Enum('welcome', 'reset', name='linkpurpose', native_enum=False, length=24), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('expires_at', types.UTCDateTime(), nullable=False),
    sa.Column('used_at', types.UTCDateTime(), nullable=True),
    sa.Column('ended_at', types.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['portal_account.id'], name=op.f('fk_password_link_account_id_portal_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_password_link')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_password_link_token_hash'))
    )
    with op.batch_alter_table('password_link', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_password_link_account_id'), ['account_id'], unique=False)

    op.create_table('portal_account_customer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('role', sa.Enum('owner', 'manager', 'reader', name='accountrole', native_enum=False, length=24), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['portal_account.id'], name=op.f('fk_portal_account_customer_account_id_portal_account'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_portal_account_customer_customer_id_customer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_portal_account_customer')),
    sa.UniqueConstraint('account_id', 'customer_id', name=op.f('uq_portal_account_customer_account_id_customer_id'))
    )
    with op.batch_alter_table('portal_account_customer', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_portal_account_customer_customer_id'), ['customer_id'], unique=False)

    op.create_table('portal_session',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('seen_at', types.UTCDateTime(), nullable=False),
    sa.Column('address', sa.String(length=45), nullable=False),
    sa.Column('agent', sa.String(length=200), nullable=False),
    sa.Column('ended_at', types.UTCDateTime(), nullable=True),
    sa.Column('ended_because', sa.String(length=20), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['portal_account.id'], name=op.f('fk_portal_session_account_id_portal_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_portal_session')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_portal_session_token_hash'))
    )
    with op.batch_alter_table('portal_session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_portal_session_account_id'), ['account_id'], unique=False)

    with op.batch_alter_table('mail_message', schema=None) as batch_op:
        batch_op.add_column(sa.Column('sealed', secrets.SecretType(), nullable=True))

    install_triggers(op.get_bind())



def downgrade() -> None:
    remove_triggers(op.get_bind())
    with op.batch_alter_table('mail_message', schema=None) as batch_op:
        batch_op.drop_column('sealed')

    with op.batch_alter_table('portal_session', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_portal_session_account_id'))

    op.drop_table('portal_session')
    with op.batch_alter_table('portal_account_customer', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_portal_account_customer_customer_id'))

    op.drop_table('portal_account_customer')
    with op.batch_alter_table('password_link', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_password_link_account_id'))

    op.drop_table('password_link')
    with op.batch_alter_table('terms_acceptance', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_terms_acceptance_customer_id'))

    op.drop_table('terms_acceptance')
    with op.batch_alter_table('prospect', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_prospect_state'))
        batch_op.drop_index(batch_op.f('ix_prospect_email'))
        batch_op.drop_index(batch_op.f('ix_prospect_customer_id'))

    op.drop_table('prospect')
    with op.batch_alter_table('portal_account', schema=None) as batch_op:
        batch_op.drop_index('uq_portal_account_main', postgresql_where=sa.text('login IS NULL'), sqlite_where=sa.text('login IS NULL'))
        batch_op.drop_index(batch_op.f('ix_portal_account_customer_id'))

    op.drop_table('portal_account')
    with op.batch_alter_table('throttle', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_throttle_last_at'))

    op.drop_table('throttle')
    op.drop_table('terms_version')
    op.drop_table('password_request')
    op.drop_table('mail_text')
