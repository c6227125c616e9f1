ALTER TABLE orders ADD COLUMN note varchar(500);

CREATE FUNCTION refuse_shipped_changes() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status = 'shipped' AND NEW.status <> 'shipped' THEN
    RAISE EXCEPTION 'order % was shipped', OLD.id;
  END IF;
  RETURN NEW;
END;
$$;

CREATE TRIGGER orders_refuse_shipped BEFORE UPDATE OF status ON orders
  FOR EACH ROW EXECUTE FUNCTION refuse_shipped_changes();
