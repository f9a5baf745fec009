"""Conversations and messages: once, in order, nobody twice, nobody else's."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.chat import queries, retention, services
from app.chat.models import ChatMessage, ChatState, Conversation, Side
from app.chat.services import Speaker
from app.chat.transcripts import mail_transcript, transcript
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import Conflict, DomainError, IllegalTransition, InvalidInput
from app.customers.partners import save_partner
from app.system.models import Document, MailMessage
from app.system.settings import change_settings
from tests.chat.world import World, speaker


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_sent_again_it_is_the_same_message(world: World) -> None:
    first, again = world.write(), world.write()
    assert first.id == again.id and count(ChatMessage) == 1
    row = queries.conversation(first.conversation_id)
    assert row is not None and (row.state, row.last_number, row.last_text) == (ChatState.WAITING, 1, "Hello")
    services.close(row.id, speaker(world.maren))
    assert world.write().id == first.id, "also when the conversation was closed meanwhile"
    assert count(Conversation) == 1
    assert world.write("More", "second-message").conversation_id != row.id


def test_the_id_of_somebody_elses_message_is_refused(world: World) -> None:
    message = world.write()
    with pytest.raises(InvalidInput):
        services.reply(message.conversation_id, speaker(world.maren), "first-message", "Hello")
    assert count(ChatMessage) == 1


def test_bad_texts_change_nothing(world: World) -> None:
    for text in ["", "   ", "x" * 2001, "a\x00b", "a\x1bb", None, 7, ["x"], "\ud800"]:
        with pytest.raises(InvalidInput):
            services.write(world.customer, world.account.id, "Jan", "en", "some-client-id", text)
    assert count(Conversation) == 0


def test_bad_client_ids_change_nothing(world: World) -> None:
    for client_id in ["", "short", "x" * 37, "with space here", "<script>alert", None, 12345678, "größe-größe"]:
        with pytest.raises(InvalidInput):
            services.write(world.customer, world.account.id, "Jan", "en", client_id, "Hello")
    assert count(Conversation) == 0


def test_take_answer_hand_over_and_close(world: World) -> None:
    ident = world.write().conversation_id
    maren, jan = speaker(world.maren), speaker(world.jan)
    services.take(ident, maren)
    services.take(ident, maren)
    with pytest.raises(Conflict, match="Maren"):
        services.take(ident, jan)
    with pytest.raises(Conflict):
        services.reply(ident, jan, "jans-message", "Hi")
    services.take(ident, jan, over=True)
    services.reply(ident, jan, "jans-message", "Hi")
    services.hand_over(ident, None)
    row = db.session.get_one(Conversation, ident)
    assert (row.state, row.staff_id, row.staff) == (ChatState.WAITING, None, "")
    services.reply(ident, maren, "marens-message", "Here I am")
    assert (row.state, row.staff_id) == (ChatState.ACTIVE, maren.id)
    services.close(ident, maren)
    services.close(ident, jan)
    assert (row.state, row.closed_by) == (ChatState.CLOSED, maren.name)
    with pytest.raises(Conflict):
        services.reply(ident, maren, "too-late-message", "One more")
    for act in (lambda: services.take(ident, jan), lambda: services.hand_over(ident, jan), lambda: services.hand_over(ident, None)):
        with pytest.raises(IllegalTransition):
            act()
    assert [message.number for message in queries.messages(ident)] == [1, 2, 3]


def test_read_marks_never_go_back_nor_beyond(world: World) -> None:
    ident = world.write().conversation_id
    services.reply(ident, speaker(world.maren), "answer-one", "One")
    row = db.session.get_one(Conversation, ident)
    assert (row.read_by_customer, row.read_by_staff, queries.unread_of_customer(world.account.id, world.customer.id)) == (1, 2, 1)
    services.mark_read(ident, Side.CUSTOMER, 99)
    assert row.read_by_customer == 2
    services.mark_read(ident, Side.CUSTOMER, 1)
    assert (row.read_by_customer, queries.unread_of_customer(world.account.id, world.customer.id)) == (2, 0)
    for wrong in (-1, "2", True, None, 1.5):
        with pytest.raises(InvalidInput):
            services.mark_read(ident, Side.CUSTOMER, wrong)


def test_a_flood_is_refused_and_the_rest_still_counts(world: World) -> None:
    start = clock.now()
    with clock.frozen(start):
        for number in range(services.FLOOD):
            world.write("x", f"message-{number:04d}")
        with pytest.raises(InvalidInput):
            world.write("x", "message-too-many")
        services.reply(queries.waiting()[0].id, speaker(world.maren), "staff-message", "Slowly")
    with clock.frozen(start + timedelta(seconds=services.FLOOD_SECONDS + 1)):
        world.write("x", "message-later")
    assert [m.number for m in queries.messages(queries.active()[0].id)] == list(range(1, services.FLOOD + 3))


def test_files_and_floods_count_in_all_conversations_of_a_login(world: World, monkeypatch) -> None:
    monkeypatch.setattr(services, "FILES", 2)
    def send(number: int, account=world.account, customer=world.customer) -> ChatMessage:
        return services.write(customer, account.id, "Jan", "en", f"file-message-{number}", stored=services.keep_file("list.txt", b"one\n"))

    for number in range(services.FILES):
        services.close(send(number).conversation_id, Speaker(Side.CUSTOMER, world.account.id, "Jan"))
    with pytest.raises(InvalidInput, match="files an hour"):
        send(9)
    send(9, world.others, world.other)
    ident = world.write(client_id="text-message").conversation_id
    assert services.reply(ident, speaker(world.maren), "staff-file", stored=services.keep_file("list.txt", b"one\n")).document_id
    monkeypatch.setattr(services, "FLOOD", 3)
    services.close(ident, speaker(world.maren))
    with pytest.raises(InvalidInput, match="Too many"):
        world.write("x", "message-after")
    with clock.frozen(clock.now() + services.FILES_WINDOW + timedelta(minutes=1)):
        send(10)


def test_first_messages_at_the_same_moment_begin_one_conversation(world: World, app) -> None:
    """Two pages of one login, each with its own connection; one of them sends its message twice."""
    customer_id, account_id = world.customer.id, world.account.id
    db.session.rollback()
    barrier, failed = threading.Barrier(3), []

    def send(client_id: str) -> None:
        with app.app_context():
            from app.customers.models import Customer

            barrier.wait(10)
            try:
                services.write(db.session.get_one(Customer, customer_id), account_id, "Jan", "en", client_id, "Hello")
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=send, args=(client_id,)) for client_id in ("page-one-1", "page-one-1", "page-two-1")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    db.session.rollback()
    assert failed == [] and count(Conversation) == 1
    assert sorted(db.session.scalars(select(ChatMessage.number))) == [1, 2]


def test_two_take_it_at_the_same_moment(world: World, app) -> None:
    ident, people = world.write().conversation_id, [speaker(world.maren), speaker(world.jan)]
    db.session.rollback()
    barrier, results = threading.Barrier(2), []

    def take(who) -> None:
        with app.app_context():
            barrier.wait(10)
            try:
                services.take(ident, who)
                results.append(who.name)
            except Conflict:
                results.append(None)

    threads = [threading.Thread(target=take, args=(who,)) for who in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    db.session.rollback()
    (winner,) = [name for name in results if name]
    assert len(results) == 2 and db.session.get_one(Conversation, ident).staff == winner


def test_nothing_is_told_when_the_transaction_fails(world: World, app, monkeypatch) -> None:
    told = []
    monkeypatch.setattr("app.chat.push._emit", lambda event, data, to: told.append((event, to)))

    def failing() -> None:
        with transaction():
            world.write()
            raise DomainError("no")

    with pytest.raises(DomainError):
        failing()
    assert told == [] and count(ChatMessage) == 0
    world.write()
    assert {event for event, _to in told} == {"changed", "desk"}


def test_files_are_looked_at_and_leave_nothing_behind(world: World, app) -> None:
    with pytest.raises(InvalidInput):
        services.keep_file("picture.png", b"MZ\x90\x00 no picture")
    with pytest.raises(InvalidInput):
        services.keep_file("page.html", b"<script>alert(1)</script>")
    kept = services.keep_file("../../list.txt", b"one\ntwo\n")
    message = services.write(world.customer, world.account.id, "Jan", "en", "file-message", stored=kept)
    services.drop_file(kept, message)
    assert (message.text, message.document.customer_id) == ("list.txt", world.customer.id)
    twice = services.keep_file("list.txt", b"one\ntwo\n")
    again = services.write(world.customer, world.account.id, "Jan", "en", "file-message", stored=twice)
    services.drop_file(twice, again)
    assert again.id == message.id and count(Document) == 1
    from app.system import documents

    assert documents.read(message.document) == b"one\ntwo\n"
    with pytest.raises(documents.StoreError):
        documents.read(Document(title="x", path=twice.stored.path, size=8, sha256=twice.stored.sha256))


def test_the_transcript_goes_to_the_stored_address_once(world: World) -> None:
    change_settings({"mail.sender": "office@nordfunk.example"})
    row = queries.conversation(world.write("Braces {{link}}\nsecond line").conversation_id)
    assert row is not None
    services.reply(row.id, speaker(world.maren), "answer-one", "Understood")
    text = transcript(row)
    assert "  Braces {{link}}\n  second line" in text and "Maren" in text and "Hafenlotsen Emden" in text
    save_partner(world.other, "Funkhaus Weser")
    with transaction():
        world.customer.partner_id = world.other.id
    assert mail_transcript(row, world.account) and not mail_transcript(row, world.account)
    (mail,) = db.session.scalars(select(MailMessage))
    assert mail.recipient == world.customer.email and "{{" not in mail.body and "Understood" in mail.body and mail.body.rstrip().endswith("Funkhaus Weser")
    with pytest.raises(InvalidInput):
        mail_transcript(row, None)


def test_old_conversations_go_with_their_files_and_running_ones_stay(world: World) -> None:
    kept = services.keep_file("list.txt", b"one\n")
    message = services.write(world.customer, world.account.id, "Jan", "en", "file-message", stored=kept)
    services.close(message.conversation_id, speaker(world.maren))
    running = world.write_other()
    assert retention.forget(clock.now() - timedelta(days=1)) == 0
    assert retention.forget(clock.now() + timedelta(days=400)) == 1
    assert retention.forget(clock.now() + timedelta(days=400)) == 0
    assert db.session.scalars(select(ChatMessage.id)).all() == [running.id] and count(Document) == 0


def test_silent_conversations_are_ended_once(world: World) -> None:
    ident = world.write().conversation_id
    assert retention.close_idle(clock.now() - timedelta(days=7)) == 0
    assert retention.close_idle(clock.now() + timedelta(seconds=1)) == 1 and retention.close_idle(clock.now() + timedelta(seconds=1)) == 0
    assert (db.session.get_one(Conversation, ident).state, db.session.get_one(Conversation, ident).closed_by) == (ChatState.CLOSED, "")


def test_search_finds_words_and_takes_signs_for_signs(world: World) -> None:
    world.write("It costs 100% more")
    world.write_other("Nothing of that")
    assert [row.account_id for row in queries.search("100%")] == [world.account.id]
    assert [row.account_id for row in queries.search("adriano")] == [world.others.id]
    assert queries.search("%") == queries.search("100%") and queries.search("_") == [] and len(queries.search("")) == 2
    assert [row.account_id for row in queries.search(world.customer.number.lower())] == [world.account.id]
