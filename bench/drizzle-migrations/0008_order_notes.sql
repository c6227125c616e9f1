ALTER TABLE orders ADD COLUMN note text;--> statement-breakpoint
CREATE INDEX orders_state ON orders (state);--> statement-breakpoint
ALTER TABLE invoices RENAME COLUMN due TO due_on;