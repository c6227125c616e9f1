CREATE TABLE settings (
  key varchar(60) PRIMARY KEY,
  value text
);--> statement-breakpoint
INSERT INTO settings (key, value) VALUES ('currency', 'EUR'), ('timezone', 'UTC'), ('theme', 'plain');