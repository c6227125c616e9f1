CREATE VIEW order_totals AS
SELECT o.id, o.member_id, o.status, coalesce(sum(i.quantity * i.unit_price), 0) AS total
FROM orders o
LEFT JOIN order_items i ON i.order_id = o.id
GROUP BY o.id;

CREATE VIEW unpaid_orders AS
SELECT t.id, t.total, m.email
FROM order_totals t
JOIN members m ON m.id = t.member_id
WHERE t.status = 'placed';
