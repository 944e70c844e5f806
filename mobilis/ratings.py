"""What visitors say of an answer of the FAQ: it was helpful, it was not, or nothing.

Called by the chat API; what staff read of it is in mobilis/answer_uses.py and mobilis/casefile.py.
"""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection

from mobilis.conversations import lock_conversation
from mobilis.errors import ChatError
from mobilis.models import outbox, ratings
from mobilis.store import now

RATED = "faq"  # the kind of message that can be rated


def rate(
    connection: Connection, conversation_id: str, message_id: str, helpful: bool | None
) -> None:
    """Keep what the visitor says of an answer; None takes it back. The last word counts.

    Raises:
        ChatError: message_unknown, when this conversation has no such answer; unauthorized, when
            it is gone.
    """
    if lock_conversation(connection, conversation_id) is None:
        raise ChatError("unauthorized", 401)
    query = select(outbox.c.content).where(
        outbox.c.conversation_id == conversation_id, outbox.c.id == message_id
    )
    content = connection.execute(query).scalar_one_or_none()
    if content is None or content["kind"] != RATED or content["role"] != "assistant":
        raise ChatError("message_unknown", 404)
    own = (ratings.c.conversation_id == conversation_id, ratings.c.message_id == message_id)
    if helpful is None:
        connection.execute(delete(ratings).where(*own))
        return
    values = {"helpful": helpful, "at": now()}
    if not connection.execute(update(ratings).where(*own).values(**values)).rowcount:
        row = {"conversation_id": conversation_id, "message_id": message_id, **values}
        connection.execute(insert(ratings).values(**row))
