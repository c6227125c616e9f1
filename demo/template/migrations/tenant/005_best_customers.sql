-- Migration: best customers
-- Description: What each customer ordered for
CREATE VIEW best_customers AS
  SELECT customer.id, customer.name, sum(orders.total) AS total
  FROM customers customer JOIN orders ON orders.customer_id = customer.id
  GROUP BY customer.id, customer.name;
