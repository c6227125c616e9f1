-- migrate:up
CREATE TABLE invoices (
  id serial PRIMARY KEY,
  order_id bigint REFERENCES orders (id),
  number varchar(20) NOT NULL UNIQUE,
  lines jsonb,
  due date
);

CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE state = 'open';

-- migrate:down
DROP VIEW open_orders;
DROP TABLE invoices;
