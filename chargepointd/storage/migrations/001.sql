-- Bodies are JSON arrays in the order of the fields of the named tuple they hold (chargepointd.storage.pack).
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE variable (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE session (evse_id INTEGER PRIMARY KEY, body TEXT NOT NULL);
-- Settled records are those up to state 'settled'; their rows go in bulk, later.
CREATE TABLE record (id INTEGER PRIMARY KEY, message_id TEXT NOT NULL, body TEXT NOT NULL);
-- Records the CSMS refused for good: set aside for a person to see.
CREATE TABLE dead (id INTEGER PRIMARY KEY, message_id TEXT NOT NULL, body TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE token (key TEXT PRIMARY KEY, kind TEXT NOT NULL, info TEXT NOT NULL, stored_at REAL NOT NULL) WITHOUT ROWID;
