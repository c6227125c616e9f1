ALTER TABLE orders ADD COLUMN currency char(3) NOT NULL DEFAULT 'EUR';
ALTER TABLE orders ADD CONSTRAINT orders_currency_upper CHECK (currency = upper(currency));

CREATE TYPE payment_method AS ENUM ('card', 'transfer', 'cash');
ALTER TABLE orders ADD COLUMN paid_by payment_method;

DROP INDEX orders_status_idx;
CREATE INDEX orders_member_idx ON orders (member_id, status);

INSERT INTO settings (key, value) VALUES ('payment.methods', 'card,transfer');
