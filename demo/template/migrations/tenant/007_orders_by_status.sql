-- Migration: orders by status
-- Description: Built without stopping writes, so it cannot be in a transaction
CREATE INDEX CONCURRENTLY orders_status_idx ON orders (status, ordered_at);
