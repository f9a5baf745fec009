"""From licenses and manual lines to charges, billing documents and invoices."""
