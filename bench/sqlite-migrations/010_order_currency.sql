ALTER TABLE orders ADD COLUMN currency char(3);
UPDATE orders SET currency = (SELECT value FROM settings WHERE key = 'currency');
