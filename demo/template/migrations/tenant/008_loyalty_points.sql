-- Migration: loyalty points
-- Description: Every customer begins with ten
ALTER TABLE customers ADD COLUMN loyalty_points integer NOT NULL DEFAULT 10;
