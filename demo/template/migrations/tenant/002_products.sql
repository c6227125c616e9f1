-- Migration: products
-- Description: What a shop sells
CREATE TABLE products (
  id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name  text NOT NULL,
  price numeric(12, 2) NOT NULL CHECK (price >= 0)
);
COMMENT ON TABLE products IS 'What this shop sells';
