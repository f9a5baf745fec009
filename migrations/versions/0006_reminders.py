"""Reminder levels, reminders and their claims, demands that a lawyer has"""

import sqlalchemy as sa
from alembic import op

from app.core import money, types

revision = '0006_reminders'
down_revision = '0005_demands'
branch_labels = None
depends_on = None

TO_REMIND = "open > 0 and not disputed and not reminder_block and not with_lawyer and principal_id is null"


def upgrade() -> None:
    with op.batch_alter_table('open_item', schema=None) as batch_op:
        batch_op.add_column(sa.Column('reminder_level', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('reminder_round', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('reminded_on', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('with_lawyer', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index('ix_open_item_to_remind', 'open_item', ['reminder_level', 'due_on'], postgresql_where=sa.text(TO_REMIND), sqlite_where=sa.text(TO_REMIND))
    op.create_table('reminder_level',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('days', sa.Integer(), nullable=False),
    sa.Column('fees', sa.String(length=200), nullable=False),
    sa.Column('interest', sa.Boolean(), nullable=False),
    sa.Column('lock_notice', sa.Boolean(), nullable=False),
    sa.Column('lock_days', sa.Integer(), nullable=False),
    sa.CheckConstraint('days >= 0 and number >= 1', name=op.f('ck_reminder_level_days')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reminder_level')),
    sa.UniqueConstraint('number', name=op.f('uq_reminder_level_number'))
    )
    op.create_table('reminder_text',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('level_id', sa.Integer(), nullable=False),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('subject', sa.String(length=150), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['level_id'], ['reminder_level.id'], name=op.f('fk_reminder_text_level_id_reminder_level'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reminder_text')),
    sa.UniqueConstraint('level_id', 'language', name=op.f('uq_reminder_text_level_id_language'))
    )
    op.create_table('reminder',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('sent_on', sa.Date(), nullable=False),
    sa.Column('pay_until', sa.Date(), nullable=False),
    sa.Column('lock_on', sa.Date(), nullable=True),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('total', money.MoneyType(), nullable=False),
    sa.Column('credit', money.MoneyType(), nullable=False),
    sa.Column('document_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('problem', sa.Text(), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_reminder_customer_id_customer')),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_reminder_document_id_document')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reminder'))
    )
    op.create_index(op.f('ix_reminder_customer_id'), 'reminder', ['customer_id'])
    op.create_index(op.f('ix_reminder_sent_on'), 'reminder', ['sent_on'])
    op.create_index('ix_reminder_without_letter', 'reminder', ['id'], postgresql_where=sa.text('document_id is null'), sqlite_where=sa.text('document_id is null'))
    op.create_table('reminder_item',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('reminder_id', types.BigId, nullable=False),
    sa.Column('open_item_id', types.BigId, nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('open', money.MoneyType(), nullable=False),
    sa.ForeignKeyConstraint(['open_item_id'], ['open_item.id'], name=op.f('fk_reminder_item_open_item_id_open_item')),
    sa.ForeignKeyConstraint(['reminder_id'], ['reminder.id'], name=op.f('fk_reminder_item_reminder_id_reminder')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reminder_item'))
    )
    op.create_index(op.f('ix_reminder_item_reminder_id'), 'reminder_item', ['reminder_id'])
    op.create_index('uq_reminder_item_level', 'reminder_item', ['open_item_id', 'round', 'level'], unique=True, postgresql_where=sa.text('level > 0'), sqlite_where=sa.text('level > 0'))
    op.create_table('reminder_claim',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('reminder_id', types.BigId, nullable=False),
    sa.Column('principal_id', types.BigId, nullable=False),
    sa.Column('open_item_id', types.BigId, nullable=True),
    sa.Column('kind', sa.Enum('fee', 'interest', 'flat', 'fine', name='claimkind', native_enum=False, length=24), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('to_on', sa.Date(), nullable=False),
    sa.Column('amount', money.MoneyType(), nullable=False),
    sa.ForeignKeyConstraint(['open_item_id'], ['open_item.id'], name=op.f('fk_reminder_claim_open_item_id_open_item')),
    sa.ForeignKeyConstraint(['principal_id'], ['open_item.id'], name=op.f('fk_reminder_claim_principal_id_open_item')),
    sa.ForeignKeyConstraint(['reminder_id'], ['reminder.id'], name=op.f('fk_reminder_claim_reminder_id_reminder')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reminder_claim')),
    sa.UniqueConstraint('open_item_id', name=op.f('uq_reminder_claim_open_item_id')),
    sa.UniqueConstraint('principal_id', 'kind', 'from_on', name=op.f('uq_reminder_claim_principal_id_kind_from_on'))
    )
    op.create_index(op.f('ix_reminder_claim_reminder_id'), 'reminder_claim', ['reminder_id'])
    op.create_table('lawyer_case',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('state', sa.Enum('proposed', 'handed', 'back', 'dropped', name='casestate', native_enum=False, length=24), nullable=False),
    sa.Column('proposed_by', sa.String(length=80), nullable=False),
    sa.Column('created_at', types.UTCDateTime(), nullable=False),
    sa.Column('handed_by', sa.String(length=80), nullable=False),
    sa.Column('handed_at', types.UTCDateTime(), nullable=True),
    sa.Column('back_at', types.UTCDateTime(), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('total', money.MoneyType(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_lawyer_case_customer_id_customer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lawyer_case'))
    )
    op.create_index(op.f('ix_lawyer_case_customer_id'), 'lawyer_case', ['customer_id'])
    op.create_index(op.f('ix_lawyer_case_state'), 'lawyer_case', ['state'])
    op.create_table('lawyer_item',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('case_id', types.BigId, nullable=False),
    sa.Column('open_item_id', types.BigId, nullable=False),
    sa.Column('open', money.MoneyType(), nullable=False),
    sa.Column('current', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['lawyer_case.id'], name=op.f('fk_lawyer_item_case_id_lawyer_case')),
    sa.ForeignKeyConstraint(['open_item_id'], ['open_item.id'], name=op.f('fk_lawyer_item_open_item_id_open_item')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lawyer_item'))
    )
    op.create_index(op.f('ix_lawyer_item_case_id'), 'lawyer_item', ['case_id'])
    op.create_index('uq_lawyer_item_current', 'lawyer_item', ['open_item_id'], unique=True, postgresql_where=sa.text('current'), sqlite_where=sa.text('current'))
    op.create_table('lawyer_file',
    sa.Column('id', types.BigId, nullable=False),
    sa.Column('case_id', types.BigId, nullable=False),
    sa.Column('kind', sa.String(length=4), nullable=False),
    sa.Column('document_id', types.BigId, nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['lawyer_case.id'], name=op.f('fk_lawyer_file_case_id_lawyer_case')),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_lawyer_file_document_id_document')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lawyer_file')),
    sa.UniqueConstraint('case_id', 'kind', name=op.f('uq_lawyer_file_case_id_kind'))
    )


def downgrade() -> None:
    for table in ('lawyer_file', 'lawyer_item', 'lawyer_case', 'reminder_claim', 'reminder_item', 'reminder', 'reminder_text', 'reminder_level'):
        op.drop_table(table)
    op.drop_index('ix_open_item_to_remind', table_name='open_item')
    with op.batch_alter_table('open_item', schema=None) as batch_op:
        for column in ('with_lawyer', 'reminded_on', 'reminder_round', 'reminder_level'):
            batch_op.drop_column(column)
