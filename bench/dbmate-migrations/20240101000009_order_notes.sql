-- migrate:up
ALTER TABLE orders ADD COLUMN note text;

CREATE INDEX orders_state ON orders (state);

ALTER TABLE invoices RENAME COLUMN due TO due_on;

-- migrate:down
ALTER TABLE invoices RENAME COLUMN due_on TO due;
ALTER TABLE orders DROP COLUMN note;
