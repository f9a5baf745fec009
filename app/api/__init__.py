"""REST interface, version 1: for billing systems, portals and scripts of the provider. Tokens only, never the browser's session."""
