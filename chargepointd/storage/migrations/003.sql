-- What the policy of a full authorization cache goes by.
ALTER TABLE token ADD COLUMN added_at REAL NOT NULL DEFAULT 0;
ALTER TABLE token ADD COLUMN used_at REAL NOT NULL DEFAULT 0;
ALTER TABLE token ADD COLUMN uses INTEGER NOT NULL DEFAULT 0;
