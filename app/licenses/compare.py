"""Compare what a server has with what it shall have. Pure: values in, differences out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.licenses.drift import DriftKind
from app.plugin_api.provisioning import GroupState, UserState

USER_FIELDS = ("enabled", "alias", "phone", "mode", "device", "network", "services", "permissions")
GROUP_FIELDS = ("title", "members")


@dataclass(frozen=True, slots=True)
class Difference:
    name: str
    kind: DriftKind
    target_id: int | None = None
    details: dict[str, Any] = field(default_factory=dict)


def plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value


def compare(wanted: Mapping[str, tuple[int, Any]], actual: Iterable[UserState | GroupState], fields: tuple[str, ...],
            busy: frozenset[str] | set[str] = frozenset()) -> list[Difference]:
    """`wanted`: name → (id, desired state). Names in `busy` have an order under way: they are not compared."""
    found = []
    seen = set()
    for state in actual:
        seen.add(state.name)
        if state.name in busy:
            continue
        pair = wanted.get(state.name)
        if pair is None or not pair[1].exists:
            found.append(Difference(state.name, DriftKind.EXTRA, pair[0] if pair else None,
                                    {f: [None, plain(getattr(state, f))] for f in fields}))
            continue
        details = {f: [plain(getattr(pair[1], f)), plain(getattr(state, f))] for f in fields if getattr(pair[1], f) != getattr(state, f)}
        if details:
            found.append(Difference(state.name, DriftKind.DIFFERENT, pair[0], details))
    for name, (target_id, desired) in wanted.items():
        if desired.exists and name not in seen and name not in busy:
            found.append(Difference(name, DriftKind.MISSING, target_id))
    return found
