CREATE TABLE order_items (
  id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  order_id int unsigned NOT NULL,
  title varchar(190) NOT NULL,
  quantity int NOT NULL DEFAULT 1,
  price decimal(12, 2) NOT NULL,
  CONSTRAINT order_items_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE
);
