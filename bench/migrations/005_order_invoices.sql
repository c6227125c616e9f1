ALTER TABLE orders ADD COLUMN invoice_number bigint, ADD COLUMN due_on date;

UPDATE orders SET due_on = (placed_at + interval '30 days')::date WHERE placed_at IS NOT NULL;

ALTER TABLE orders ADD CONSTRAINT orders_invoice_due CHECK (invoice_number IS NULL OR due_on IS NOT NULL);
