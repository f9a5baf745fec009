"""Runs conformance cases (facts with a source, one JSON file per topic) through the product's public functions."""
