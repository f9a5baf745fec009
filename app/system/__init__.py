"""Protocol, settings, outboxes, the document archive and job runs: what every slice above uses."""
