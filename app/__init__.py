"""PTT Admin: the ERP of a Push-to-Talk provider. Start reading at app/factory.py."""

__version__ = "0.1.0"
