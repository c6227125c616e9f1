-- Migration: orders
-- Description: Orders and what is in them; written for the schema public, as many migrations are
CREATE TABLE "public"."orders" (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES "public"."customers" (id),
  status      text NOT NULL DEFAULT 'open',
  ordered_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE "public"."order_items" (
  order_id   bigint NOT NULL REFERENCES "public"."orders" (id) ON DELETE CASCADE,
  product_id bigint NOT NULL REFERENCES "public"."products" (id),
  quantity   integer NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (order_id, product_id)
);
