-- Migration: stalls
-- Description: Every row says whose it is
CREATE TABLE tenants (
  id   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL UNIQUE
);

CREATE TABLE customers (
  tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  id        bigint GENERATED ALWAYS AS IDENTITY,
  name      text NOT NULL,
  email     text NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON customers
  USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
