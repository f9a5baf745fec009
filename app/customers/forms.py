"""Form fields of which other slices and plugins make their forms, too."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import validators

from app.core.fields import RelatedField, Required
from app.core.page_parts import to_lookup
from app.customers.models import Customer, CustomerState


def customer_field(description: Any = "", required: bool = True) -> RelatedField:
    """Choose a customer that is not deleted."""
    return RelatedField(_l("Customer"), [Required() if required else validators.Optional()], model=Customer, description=description, lookup=to_lookup(Customer),
                        narrow=lambda query: query.where(Customer.state != CustomerState.DELETED))
