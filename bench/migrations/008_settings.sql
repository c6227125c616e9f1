CREATE TABLE settings (
  key varchar(80) PRIMARY KEY,
  value varchar(400) NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER settings_touch BEFORE UPDATE ON settings
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

INSERT INTO settings (key, value) VALUES
  ('currency', 'EUR'),
  ('invoice.days', '30'),
  ('mail.sender', 'noreply@example.com');

UPDATE settings SET value = '14' WHERE key = 'invoice.days';
