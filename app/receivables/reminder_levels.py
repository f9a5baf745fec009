"""What staff changes of reminders: levels (a ladder that only rises, with texts that fit it), and demands that get none."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from app.core.db import transaction
from app.core.errors import InUse, InvalidInput
from app.core.money import minor_digits
from app.receivables.models import OpenItem
from app.receivables.queries import NOUGHT, account_for_update
from app.receivables.reminder_models import ReminderLevel, ReminderText
from app.receivables.reminder_rules import parse_fees
from app.receivables.reminder_texts import WORDS, check_texts
from app.system.mail_templates import languages

MOST = 6


def add_level(name: str, days: int, fees: str = "", interest: bool = False, lock_notice: bool = False, lock_days: int = 14) -> ReminderLevel:
    """The next level, after the last one; its texts begin as those that came with the product."""
    with transaction() as session:
        last = session.scalar(select(func.max(ReminderLevel.number))) or 0
        if last >= MOST:
            raise InvalidInput(_("At most %(n)s levels.", n=MOST))
        level = ReminderLevel(number=last + 1, name="", days=0)
        _fill(session, level, name, days, fees, interest, lock_notice, lock_days)
        level.texts = [ReminderText(language=language, subject=subject, body=body) for language, (subject, body) in words_of(level).items()]
        session.add(level)
        session.flush()
        return level


def words_of(level: ReminderLevel) -> dict[str, tuple[str, str]]:
    """By language the heading and text that came with the product and fit the level."""
    return WORDS[2 if level.lock_notice else 3 if level.number >= 3 else 1]


def change_level(level: ReminderLevel, name: str, days: int, fees: str, interest: bool, lock_notice: bool, lock_days: int) -> list[str]:
    """A text must name the lock's day if, and only if, the level announces the lock. When that turns, texts that fit no more are
    replaced by those that came with the product; returns their languages."""
    with transaction() as session:
        session.refresh(level)
        turned = level.lock_notice != lock_notice
        _fill(session, level, name, days, fees, interest, lock_notice, lock_days)
        replaced = []
        for text in level.texts:
            try:
                check_texts(text.subject, text.body, lock_notice)
            except InvalidInput as error:
                if not turned:
                    raise InvalidInput(_("The text in “%(language)s” does not fit: %(error)s Change it first, or leave the lock notice as it is.", language=text.language, error=error), "lock_notice") from error
                words = words_of(level)
                text.subject, text.body = words.get(text.language) or words["en"]
                replaced.append(text.language)
        return replaced


def _fill(session: Session, level: ReminderLevel, name: str, days: int, fees: str, interest: bool, lock_notice: bool, lock_days: int) -> None:
    name = " ".join(name.split())
    if not 1 <= len(name) <= 60:
        raise InvalidInput(_("Give the level a name of 1 to 60 characters."), "name")
    try:
        found = parse_fees(fees)
        for currency in found:
            minor_digits(currency)
    except ValueError as error:
        raise InvalidInput(_("“%(part)s” is not a fee. Write the currency and the amount, for example EUR 2.50; more of them with commas.", part=str(error)[:40]), "fees") from error
    before = session.scalar(select(ReminderLevel.days).where(ReminderLevel.number < level.number).order_by(ReminderLevel.number.desc()).limit(1))
    after = session.scalar(select(ReminderLevel.days).where(ReminderLevel.number > level.number).order_by(ReminderLevel.number).limit(1))
    if not 1 <= days <= 720 or (before is not None and days <= before) or (after is not None and days >= after):
        raise InvalidInput(_("Days after the due day: from 1 to 720, more than at the level before and fewer than at the one after."), "days")
    if lock_notice and not 1 <= lock_days <= 90:
        raise InvalidInput(_("From the letter to the lock: 1 to 90 days."), "lock_days")
    level.name, level.days, level.interest, level.lock_notice, level.lock_days = name, days, interest, lock_notice, lock_days
    level.fees = ", ".join(f"{currency} {amount}" for currency, amount in found.items())


def delete_level(level: ReminderLevel) -> None:
    """Only the last one, and only while no open demand has reached it."""
    with transaction() as session:
        if session.scalar(select(exists().where(ReminderLevel.number > level.number))):
            raise InUse(_("Only the last level can be deleted."))
        if session.scalar(select(exists().where(OpenItem.open > NOUGHT, OpenItem.reminder_level == level.number))):
            raise InUse(_("Open demands have reached this level. It can be deleted when they are settled."))
        session.delete(level)


def save_text(level: ReminderLevel, language: str, subject: str, body: str, text: ReminderText | None = None) -> ReminderText:
    """Store the text of one language."""
    subject, body = " ".join(subject.split()), body.replace("\r\n", "\n").strip()
    if language not in languages():
        raise InvalidInput(_("There is no such language."), "language")
    check_texts(subject, body, level.lock_notice)
    with transaction() as session:
        row = text or session.scalar(select(ReminderText).where(ReminderText.level_id == level.id, ReminderText.language == language)) or ReminderText(level_id=level.id, language=language)
        row.subject, row.body = subject, body
        session.add(row)
        session.flush()
        return row


def set_reminder_block(item: OpenItem, blocked: bool) -> None:
    """Staff: this demand gets no reminders, or gets them again."""
    with transaction() as session:
        account_for_update(session, item.customer_id)
        session.refresh(item)
        item.reminder_block = blocked
