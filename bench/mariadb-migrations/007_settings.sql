CREATE TABLE settings (name varchar(190) NOT NULL PRIMARY KEY, value text NOT NULL);
INSERT INTO settings (name, value) VALUES ('currency', 'EUR'), ('vat', '19'), ('week_starts', 'monday');
