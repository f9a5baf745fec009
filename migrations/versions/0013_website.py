"""website: container, pages, old addresses, menu"""

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = '0013_website'
down_revision = '0012_chat'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'website_media', sa.Column('id', sa.Integer(), nullable=False), sa.Column('title', sa.String(length=120), nullable=False), sa.Column('alt', sa.String(length=250), nullable=False),
        sa.Column('name', sa.String(length=120), nullable=False), sa.Column('media_type', sa.String(length=40), nullable=False), sa.Column('size', sa.Integer(), nullable=False),
        sa.Column('sha256', sa.String(length=64), nullable=False), sa.Column('given_sha256', sa.String(length=64), nullable=False), sa.Column('width', sa.Integer(), nullable=True),
        sa.Column('height', sa.Integer(), nullable=True), sa.Column('captions', sa.Text(), nullable=False), sa.Column('document_id', sa.BigInteger(), nullable=False),
        sa.Column('poster_id', sa.Integer(), nullable=True), sa.Column('created_at', types.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_website_media_document_id_document')),
        sa.ForeignKeyConstraint(['poster_id'], ['website_media.id'], name=op.f('fk_website_media_poster_id_website_media')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_website_media')), sa.UniqueConstraint('document_id', name=op.f('uq_website_media_document_id')),
        sa.UniqueConstraint('sha256', name=op.f('uq_website_media_sha256')))
    op.create_table(
        'website_page', sa.Column('id', sa.Integer(), nullable=False), sa.Column('designation', sa.String(length=80), nullable=False),
        sa.Column('kind', sa.Enum('text', 'film', name='pagekind', native_enum=False, length=24), nullable=False), sa.Column('language', sa.String(length=5), nullable=False),
        sa.Column('slug', sa.String(length=80), nullable=False), sa.Column('menu_title', sa.String(length=40), nullable=False), sa.Column('page_title', sa.String(length=120), nullable=False),
        sa.Column('description', sa.String(length=300), nullable=False), sa.Column('body', sa.Text(), nullable=False), sa.Column('picture_id', sa.Integer(), nullable=True),
        sa.Column('film_id', sa.Integer(), nullable=True), sa.Column('in_footer', sa.Boolean(), nullable=False),
        sa.Column('state', sa.Enum('draft', 'published', name='pagestate', native_enum=False, length=24), nullable=False), sa.Column('live', sa.JSON(none_as_null=True), nullable=True),
        sa.Column('published_at', types.UTCDateTime(), nullable=True), sa.Column('changed_at', types.UTCDateTime(), nullable=False), sa.Column('version', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['film_id'], ['website_media.id'], name=op.f('fk_website_page_film_id_website_media')),
        sa.ForeignKeyConstraint(['picture_id'], ['website_media.id'], name=op.f('fk_website_page_picture_id_website_media')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_website_page')), sa.UniqueConstraint('designation', 'language', name=op.f('uq_website_page_designation_language')),
        sa.UniqueConstraint('language', 'slug', name=op.f('uq_website_page_language_slug')))
    op.create_table(
        'website_redirect', sa.Column('id', sa.Integer(), nullable=False), sa.Column('language', sa.String(length=5), nullable=False), sa.Column('slug', sa.String(length=80), nullable=False),
        sa.Column('page_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['page_id'], ['website_page.id'], name=op.f('fk_website_redirect_page_id_website_page'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_website_redirect')), sa.UniqueConstraint('language', 'slug', name=op.f('uq_website_redirect_language_slug')))
    op.create_index(op.f('ix_website_redirect_page_id'), 'website_redirect', ['page_id'])
    op.create_table(
        'website_menu_item', sa.Column('id', sa.Integer(), nullable=False), sa.Column('language', sa.String(length=5), nullable=False), sa.Column('parent_id', sa.Integer(), nullable=True),
        sa.Column('position', sa.Integer(), nullable=False), sa.Column('title', sa.String(length=40), nullable=False),
        sa.Column('kind', sa.Enum('page', 'form', 'address', 'heading', name='targetkind', native_enum=False, length=24), nullable=False), sa.Column('page_id', sa.Integer(), nullable=True),
        sa.Column('form', sa.Enum('register', 'register-public', 'contact', 'password', 'portal', name='siteform', native_enum=False, length=24), nullable=True),
        sa.Column('address', sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(['page_id'], ['website_page.id'], name=op.f('fk_website_menu_item_page_id_website_page')),
        sa.ForeignKeyConstraint(['parent_id'], ['website_menu_item.id'], name=op.f('fk_website_menu_item_parent_id_website_menu_item'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_website_menu_item')))
    op.create_index(op.f('ix_website_menu_item_language_position'), 'website_menu_item', ['language', 'position'])
    op.create_index(op.f('ix_website_menu_item_page_id'), 'website_menu_item', ['page_id'])


def downgrade() -> None:
    for table in ('website_menu_item', 'website_redirect', 'website_page', 'website_media'):
        op.drop_table(table)
