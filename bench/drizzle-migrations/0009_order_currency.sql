ALTER TABLE orders ADD COLUMN currency char(3);--> statement-breakpoint
UPDATE orders SET currency = (SELECT value FROM settings WHERE key = 'currency');--> statement-breakpoint
ALTER TABLE orders ADD CONSTRAINT orders_currency CHECK (currency ~ '^[A-Z]{3}$');