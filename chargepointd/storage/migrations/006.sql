-- again: it was set aside once, and is told before what was settled since.
ALTER TABLE record ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
-- When it was set aside (UTC, s since 1970), after how many attempts, and the number the CSMS gave its transaction.
ALTER TABLE dead ADD COLUMN at REAL NOT NULL DEFAULT 0;
ALTER TABLE dead ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead ADD COLUMN reference INTEGER;
