"""Going out: the one guarded HTTP client, and the rule which addresses may be reached. Nothing else of the network is for plugins."""

from app.core.http_client import DEFAULT_PORTS, Answer, GuardedClient, NoAnswer, Origin, TooLarge, origin, shown
from app.core.network import Forbidden, NetworkPolicy, NotConnected, configured_policy, connect

__all__ = ["DEFAULT_PORTS", "Answer", "Forbidden", "GuardedClient", "NetworkPolicy", "NoAnswer", "NotConnected", "Origin", "TooLarge", "configured_policy", "connect", "origin", "shown"]
