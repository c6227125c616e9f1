CREATE TABLE order_items (
  id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  order_id bigint NOT NULL,
  sku varchar(40) NOT NULL,
  quantity integer NOT NULL DEFAULT '1',
  FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX order_items_order_id_sku_unique ON order_items (order_id, sku);
CREATE INDEX order_items_sku_index ON order_items (sku);
