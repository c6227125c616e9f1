CREATE TABLE order_items (
  id bigserial PRIMARY KEY,
  order_id bigint NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
  sku varchar(40) NOT NULL,
  quantity integer NOT NULL DEFAULT 1,
  CONSTRAINT order_items_order_sku UNIQUE (order_id, sku)
);--> statement-breakpoint
CREATE INDEX order_items_sku ON order_items (sku);