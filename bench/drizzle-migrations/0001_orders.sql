CREATE TYPE order_state AS ENUM ('open', 'paid', 'sent');--> statement-breakpoint
CREATE TABLE orders (
  id bigserial PRIMARY KEY,
  member_id integer NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  state order_state NOT NULL,
  total numeric(12, 2) NOT NULL DEFAULT 0,
  placed_at timestamptz NOT NULL DEFAULT now()
);--> statement-breakpoint
CREATE INDEX orders_member_placed ON orders (member_id, placed_at);