-- migrate:up
CREATE TABLE settings (
  key varchar(60) PRIMARY KEY,
  value text
);

INSERT INTO settings (key, value) VALUES ('currency', 'EUR'), ('timezone', 'UTC'), ('theme', 'plain');

-- migrate:down
DROP TABLE settings;
