from __future__ import annotations

import pytest
from flask import Flask

from tests.chat.world import World, build


@pytest.fixture
def world(app: Flask) -> World:
    return build(app)
