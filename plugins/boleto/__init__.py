"""Boletos and Pix (Brazil)."""
