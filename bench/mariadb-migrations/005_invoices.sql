CREATE TABLE invoices (
  id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  order_id int unsigned NOT NULL,
  number varchar(30) NOT NULL,
  UNIQUE KEY invoices_number (number),
  CONSTRAINT invoices_order FOREIGN KEY (order_id) REFERENCES orders (id)
);
ALTER TABLE orders ADD COLUMN invoiced_at datetime NULL;
