"""Plugins that come with PTT Admin. Each is found by its entry point; the core imports none of them."""
