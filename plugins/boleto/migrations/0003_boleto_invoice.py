"""Boletos by invoice: asked for when an invoice is printed, and when one is deleted after its retention."""

from alembic import op

revision = '0003_boleto_invoice'
down_revision = '0002_boleto_account'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f('ix_boleto_slip_invoice_id'), 'boleto_slip', ['invoice_id'])


def downgrade() -> None:
    op.drop_index(op.f('ix_boleto_slip_invoice_id'), 'boleto_slip')
