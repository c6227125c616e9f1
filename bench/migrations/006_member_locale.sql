ALTER TABLE members ADD COLUMN phone varchar(32), ADD COLUMN locale varchar(10);

UPDATE members SET locale = 'en' WHERE locale IS NULL;

ALTER TABLE members ALTER COLUMN locale SET DEFAULT 'en', ALTER COLUMN locale SET NOT NULL;
