ALTER TABLE members ADD COLUMN locale varchar(10);
UPDATE members SET locale = 'en';
