-- The security log; message_id: of the SecurityEventNotification that is still to be delivered, else empty.
CREATE TABLE security (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, at REAL NOT NULL, info TEXT NOT NULL, message_id TEXT NOT NULL
);
