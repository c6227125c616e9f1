CREATE VIEW order_totals AS SELECT o.id, o.member_id, sum(i.quantity * i.price) AS total FROM orders o JOIN order_items i ON i.order_id = o.id GROUP BY o.id, o.member_id;
