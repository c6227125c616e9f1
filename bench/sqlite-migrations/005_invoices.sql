CREATE TABLE invoices (
  id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  order_id bigint,
  number varchar(20) NOT NULL,
  lines json,
  due date,
  FOREIGN KEY (order_id) REFERENCES orders (id)
);
CREATE UNIQUE INDEX invoices_number_unique ON invoices (number);
CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE state = 'open';
