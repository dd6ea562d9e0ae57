-- The local authorization list: what is kept of a token (chargepointd.core.local_list). Its version is state 'local_list'.
CREATE TABLE listed (key TEXT PRIMARY KEY, entry TEXT NOT NULL) WITHOUT ROWID;
