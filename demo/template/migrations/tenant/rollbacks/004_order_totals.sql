DROP TRIGGER order_items_total ON order_items;
DROP FUNCTION update_order_total();
ALTER TABLE orders DROP COLUMN total;
