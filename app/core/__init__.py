"""The floor of the house: knows nothing of customers, licenses or invoices."""
