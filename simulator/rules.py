"""What the simulated server accepts. Pure checks: values in, `Fault` out."""

from __future__ import annotations

import re

USER_NAME = re.compile(r"[A-Za-z0-9._-]{3,32}")
GROUP_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
MODES = ("npoc", "oma", "talkip")
MAX_TEXT = 100          # characters of a display name, title, device or network
MAX_CODES = 32          # services or permissions of one user
MIN_PASSWORD, MAX_PASSWORD = 8, 128

FAULT_CODES = (
    "UserExists", "NoSuchUser", "InvalidName", "InvalidValue", "GroupExists", "NoSuchGroup", "NoSuchMember",
    "LimitReached", "Busy", "Internal",
)


class Fault(Exception):
    """The server says no. `code` is one of FAULT_CODES, `message` one English sentence."""

    def __init__(self, code: str, message: str):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def check_user_name(name: str) -> str:
    if not USER_NAME.fullmatch(name):
        raise Fault("InvalidName", "A user name has 3 to 32 letters, digits, dots, hyphens or underscores.")
    return name


def check_group_name(name: str) -> str:
    if not GROUP_NAME.fullmatch(name):
        raise Fault("InvalidName", "A group name has 1 to 64 letters, digits, dots, hyphens or underscores.")
    return name


def check_text(label: str, text: str) -> str:
    if len(text) > MAX_TEXT or any(ord(c) < 32 for c in text):
        raise Fault("InvalidValue", f"{label} has at most {MAX_TEXT} characters and no control characters.")
    return text


def check_phone(phone: str) -> str:
    if phone and not PHONE.fullmatch(phone):
        raise Fault("InvalidValue", "A phone number is written with its country code, for example +491714402118.")
    return phone


def check_mode(mode: str, modes: tuple[str, ...]) -> str:
    if mode and mode not in modes:
        raise Fault("InvalidValue", f"Mode {mode[:32]!r} is unknown. Known modes: {', '.join(modes)}.")
    return mode


def check_codes(label: str, codes: list[str]) -> tuple[str, ...]:
    """Sorted and without doubles."""
    unique = tuple(sorted(set(codes)))
    if len(unique) > MAX_CODES or not all(CODE.fullmatch(c) for c in unique):
        raise Fault("InvalidValue", f"{label} are at most {MAX_CODES} codes of small letters, digits, hyphens.")
    return unique


def check_password(password: str) -> str:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Fault("InvalidValue", f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")
    return password
