ALTER TABLE orders ADD COLUMN note text;
CREATE INDEX orders_state_index ON orders (state);
ALTER TABLE invoices RENAME COLUMN due TO due_on;
