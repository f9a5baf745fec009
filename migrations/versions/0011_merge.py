"""one line again: staff and portal, reminders, bank and invoices, clean-up, statistics and exchange"""

revision = '0011_merge'
down_revision = ('0007_housekeeping', '0008_e_invoice', '0008_prepaid_invoice', '0010_exchange')
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing to do: the branches touch different tables."""


def downgrade() -> None:
    """Nothing to undo."""
