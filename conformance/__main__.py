"""`python -m conformance DIR`"""

from __future__ import annotations

import sys

from conformance.runner import main

sys.exit(main())
