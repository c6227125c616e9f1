ALTER TABLE members ADD COLUMN locale varchar(10) NOT NULL DEFAULT 'en';
UPDATE members SET locale = 'de' WHERE email LIKE '%.de';
