"""E-invoices of EN 16931: facts of an invoice, its CII document, the reader of both syntaxes, the official rules."""
