"""The connection of each request, set up as the request asks; with a session_id the same one as the request before."""

import json
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Final

from .clickhouse_engine import Engine, Handle, escaped, identifier, quoted
from .clickhouse_errors import Code, EngineError, refusal
from .clickhouse_request import Call

_CHANGED: Final = "SELECT name, value FROM system.settings WHERE changed AND has({names:Array(String)}, name)"


@dataclass
class Session:
    """What lives on between the requests of one session_id: temporary tables, SET and USE are in the connection."""

    handle: Handle
    busy: bool = True
    expires_at: float = 0.0
    has_own_settings: bool = False


@dataclass
class Lease:
    """A connection for one request. `mark` is its log_comment, by which it can be cancelled."""

    handle: Handle
    mark: str
    session: Session | None = None
    applied: list[str] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)


class Sessions:
    """Gives each request its connection, and takes it back. Safe to use from many threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def take(self, call: Call) -> Lease:
        """Return a connection with the request's database, settings and tables. Raises EngineError; then nothing is held."""
        # readonly cannot be taken back from a connection: a read-only request has one of its own.
        session = self._session(call) if call.session_id and not call.readonly else None
        lease = Lease(session.handle if session else self._engine.open(), "", session)
        try:
            self._set_up(lease, call)
        except BaseException:
            self.give_back(call, lease)
            raise
        return lease

    def give_back(self, call: Call, lease: Lease) -> None:
        """End the use of a connection: close it, or keep it, without this request's settings, for its session's next one."""
        if lease.session is None:
            lease.handle.close()
            return
        try:
            lease.handle.reset([name for name in lease.applied if name not in lease.before])
            lease.handle.set(lease.before)
            for table in call.external:
                lease.handle.run(f"DROP TEMPORARY TABLE IF EXISTS {identifier(table.name)}", "Null")
        except EngineError:  # what is left of it is unknown: the next request gets a new one
            with self._lock:
                self._sessions.pop(call.session_id, None)
            lease.handle.close()
            raise
        lease.session.expires_at = time.monotonic() + call.session_timeout
        lease.session.busy = False

    def close_expired(self) -> None:
        """Close the connections of sessions that nobody used for their time."""
        now = time.monotonic()
        with self._lock:
            expired = [key for key, session in self._sessions.items() if not session.busy and session.expires_at <= now]
            gone = [self._sessions.pop(key) for key in expired]
        for session in gone:
            session.handle.close()

    def close(self) -> None:
        """Close all connections that wait for a next request."""
        with self._lock:
            waiting = [session for session in self._sessions.values() if not session.busy]
            self._sessions.clear()
        for session in waiting:
            session.handle.close()

    def _session(self, call: Call) -> Session:
        with self._lock:
            session = self._sessions.get(call.session_id)
            if session is None:
                if call.session_check:
                    raise refusal(Code.SESSION_NOT_FOUND, f"Session {call.session_id} not found")
                session = self._sessions[call.session_id] = Session(self._engine.open())
            elif session.busy:
                raise refusal(Code.SESSION_IS_LOCKED, f"Session {call.session_id} is locked by a concurrent client")
            session.busy = True
            return session

    def _set_up(self, lease: Lease, call: Call) -> None:
        if call.database:
            lease.handle.use(call.database)
        lease.mark = f"{call.settings.get('log_comment', '')} {uuid.uuid4().hex}".strip()
        settings = {**call.settings, "log_comment": lease.mark}
        if lease.session and lease.session.has_own_settings:
            lease.before = _changed(lease.handle, list(settings))
        lease.handle.set(settings)
        lease.applied = list(settings)
        for table in call.external:
            name = identifier(table.name)
            lease.handle.run(f"CREATE TEMPORARY TABLE {name} ({table.structure})", "Null")
            insert = lease.handle.insert(f"INSERT INTO {name}".encode(), b"", table.input_format)
            insert.append(table.data)
            insert.finish()


def _changed(handle: Handle, names: list[str]) -> dict[str, str]:
    """Return the settings among `names` that do not have their default, with their values."""
    listed = "[" + ", ".join(quoted(name) for name in names) + "]"
    rows = handle.run(_CHANGED, "JSONCompactEachRow", {"names": escaped(listed)}).data.splitlines()
    return dict(json.loads(row) for row in rows)


__all__ = ["Lease", "Session", "Sessions"]
