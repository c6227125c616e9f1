-- Migration: order totals
-- Description: The total of an order, kept by a trigger
ALTER TABLE orders ADD COLUMN total numeric(12, 2) NOT NULL DEFAULT 0;

CREATE FUNCTION update_order_total() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE orders SET total = (
    SELECT coalesce(sum(item.quantity * product.price), 0)
    FROM order_items item JOIN products product ON product.id = item.product_id
    WHERE item.order_id = orders.id
  )
  WHERE id = coalesce(NEW.order_id, OLD.order_id);
  RETURN NULL;
END
$$;

CREATE TRIGGER order_items_total AFTER INSERT OR UPDATE OR DELETE ON order_items
  FOR EACH ROW EXECUTE FUNCTION update_order_total();
