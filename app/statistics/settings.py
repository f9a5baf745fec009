"""Settings of the statistics."""

from flask_babel import lazy_gettext as _l

from app.system.settings import Setting, declare

declare(Setting("statistics.keep_months", int, 120, _l("Keep statistics for months"), _l("Statistics"),
                _l("Older months are deleted every night. They hold sums only, nothing about persons."), minimum=13, maximum=600))
