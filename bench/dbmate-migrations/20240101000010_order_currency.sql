-- migrate:up
ALTER TABLE orders ADD COLUMN currency char(3);

UPDATE orders SET currency = (SELECT value FROM settings WHERE key = 'currency');

ALTER TABLE orders ADD CONSTRAINT orders_currency CHECK (currency ~ '^[A-Z]{3}$');

-- migrate:down
ALTER TABLE orders DROP COLUMN currency;
