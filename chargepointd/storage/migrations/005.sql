-- A checksum of each row (chargepointd.storage.checksum); NULL in rows of a program that had none.
ALTER TABLE state ADD COLUMN crc INTEGER;
ALTER TABLE variable ADD COLUMN crc INTEGER;
ALTER TABLE session ADD COLUMN crc INTEGER;
ALTER TABLE record ADD COLUMN crc INTEGER;
ALTER TABLE dead ADD COLUMN crc INTEGER;
ALTER TABLE token ADD COLUMN crc INTEGER;
ALTER TABLE listed ADD COLUMN crc INTEGER;
ALTER TABLE security ADD COLUMN crc INTEGER;
-- A program that has no checksums changes this body in place.
CREATE TRIGGER dead_changed AFTER UPDATE OF body ON dead WHEN new.crc IS old.crc
BEGIN UPDATE dead SET crc = NULL WHERE id = new.id; END;
-- Rows that were changed on the disk: not used, kept for a person to see. row: a JSON array, as it was read.
CREATE TABLE damaged (id INTEGER PRIMARY KEY, source TEXT NOT NULL, row TEXT NOT NULL);
