CREATE TABLE settings (
  key varchar(60),
  value text,
  PRIMARY KEY (key)
);
INSERT INTO settings (key, value) VALUES ('currency', 'EUR'), ('timezone', 'UTC'), ('theme', 'plain');
