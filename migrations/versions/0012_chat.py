"""chat: conversations, messages, canned answers; call-backs"""

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = '0012_chat'
down_revision = '0011_merge'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'callback_request', sa.Column('id', sa.Integer(), nullable=False), sa.Column('key', sa.String(length=40), nullable=False), sa.Column('name', sa.String(length=120), nullable=False),
        sa.Column('phone', sa.String(length=20), nullable=False), sa.Column('wished', sa.String(length=100), nullable=False), sa.Column('message', sa.Text(), nullable=False),
        sa.Column('language', sa.String(length=5), nullable=False), sa.Column('origin', sa.String(length=10), nullable=False), sa.Column('customer_id', sa.Integer(), nullable=True),
        sa.Column('network_address', sa.String(length=45), nullable=False),
        sa.Column('state', sa.Enum('open', 'unreached', 'done', 'dropped', name='callbackstate', native_enum=False, length=24), nullable=False),
        sa.Column('created_at', types.UTCDateTime(), nullable=False), sa.Column('note', sa.Text(), nullable=False), sa.Column('done_at', types.UTCDateTime(), nullable=True),
        sa.Column('done_by', sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_callback_request_customer_id_customer')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_callback_request')), sa.UniqueConstraint('key', name=op.f('uq_callback_request_key')))
    op.create_index(op.f('ix_callback_request_state'), 'callback_request', ['state'])
    op.create_index(op.f('ix_callback_request_customer_id'), 'callback_request', ['customer_id'])
    op.create_table(
        'chat_conversation', sa.Column('id', types.BigId, nullable=False), sa.Column('customer_id', sa.Integer(), nullable=False), sa.Column('account_id', sa.Integer(), nullable=False),
        sa.Column('account', sa.String(length=254), nullable=False), sa.Column('language', sa.String(length=5), nullable=False),
        sa.Column('state', sa.Enum('waiting', 'active', 'closed', name='chatstate', native_enum=False, length=24), nullable=False), sa.Column('staff_id', sa.Integer(), nullable=True),
        sa.Column('staff', sa.String(length=140), nullable=False), sa.Column('created_at', types.UTCDateTime(), nullable=False), sa.Column('waiting_since', types.UTCDateTime(), nullable=False),
        sa.Column('last_at', types.UTCDateTime(), nullable=False), sa.Column('last_number', sa.Integer(), nullable=False), sa.Column('last_text', sa.String(length=120), nullable=False),
        sa.Column('read_by_customer', sa.Integer(), nullable=False), sa.Column('read_by_staff', sa.Integer(), nullable=False), sa.Column('closed_at', types.UTCDateTime(), nullable=True),
        sa.Column('closed_by', sa.String(length=140), nullable=False),
        sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_chat_conversation_customer_id_customer')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_chat_conversation')))
    op.create_index('uq_chat_conversation_running', 'chat_conversation', ['account_id', 'customer_id'], unique=True, postgresql_where=sa.text("state <> 'closed'"), sqlite_where=sa.text("state <> 'closed'"))
    op.create_index(op.f('ix_chat_conversation_state_waiting_since'), 'chat_conversation', ['state', 'waiting_since'])
    op.create_index(op.f('ix_chat_conversation_customer_id'), 'chat_conversation', ['customer_id'])
    op.create_index(op.f('ix_chat_conversation_closed_at'), 'chat_conversation', ['closed_at'])
    op.create_table(
        'chat_message', sa.Column('id', types.BigId, nullable=False), sa.Column('conversation_id', sa.BigInteger(), nullable=False), sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('client_id', sa.String(length=36), nullable=False), sa.Column('side', sa.Enum('customer', 'staff', name='side', native_enum=False, length=24), nullable=False),
        sa.Column('author', sa.String(length=140), nullable=False), sa.Column('author_id', sa.Integer(), nullable=False), sa.Column('text', sa.Text(), nullable=False),
        sa.Column('document_id', sa.BigInteger(), nullable=True), sa.Column('at', types.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['conversation_id'], ['chat_conversation.id'], name=op.f('fk_chat_message_conversation_id_chat_conversation'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_chat_message_document_id_document'), ondelete='SET NULL'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_chat_message')),
        sa.UniqueConstraint('conversation_id', 'client_id', name=op.f('uq_chat_message_conversation_id_client_id')),
        sa.UniqueConstraint('conversation_id', 'number', name=op.f('uq_chat_message_conversation_id_number')))
    op.create_table(
        'chat_canned_answer', sa.Column('id', sa.Integer(), nullable=False), sa.Column('language', sa.String(length=5), nullable=False), sa.Column('name', sa.String(length=40), nullable=False),
        sa.Column('text', sa.Text(), nullable=False), sa.PrimaryKeyConstraint('id', name=op.f('pk_chat_canned_answer')),
        sa.UniqueConstraint('language', 'name', name=op.f('uq_chat_canned_answer_language_name')))


def downgrade() -> None:
    for table in ('chat_canned_answer', 'chat_message', 'chat_conversation', 'callback_request'):
        op.drop_table(table)
