"""The staff interface: shell, dashboard, security."""
