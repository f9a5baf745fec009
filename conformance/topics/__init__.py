"""One module per topic, named like the topic, with `check(case, files)`."""
