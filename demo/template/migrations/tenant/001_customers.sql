-- Migration: customers
-- Description: Customers of a shop
CREATE TYPE customer_kind AS ENUM ('person', 'company');

CREATE TABLE customers (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind       customer_kind NOT NULL DEFAULT 'person',
  name       text NOT NULL,
  email      text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
