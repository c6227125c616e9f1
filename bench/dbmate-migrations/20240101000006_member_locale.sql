-- migrate:up
ALTER TABLE members ADD COLUMN locale varchar(10);

UPDATE members SET locale = 'en';

ALTER TABLE members ALTER COLUMN locale SET NOT NULL;

-- migrate:down
ALTER TABLE members DROP COLUMN locale;
