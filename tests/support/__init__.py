"""Real services for tests: databases, Redis, SMTP, simulator, browser, and the product's own processes."""
