"""Customers, their tariffs, associations and representatives."""
