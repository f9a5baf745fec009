"""Speed and size beside the limit or the peer, in one run: only ratios count, machines differ and drift."""
