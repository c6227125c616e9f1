-- Migration: orders
-- Description: Orders point at customers of the same tenant only
CREATE TABLE orders (
  tenant_id   uuid NOT NULL,
  id          bigint GENERATED ALWAYS AS IDENTITY,
  customer_id bigint NOT NULL,
  total       numeric(12, 2) NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id) ON DELETE CASCADE
);

ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON orders
  USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
