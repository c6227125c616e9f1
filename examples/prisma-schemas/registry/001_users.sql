-- Migration: 001_users
-- Description: Everybody who has registered, and the schema that is theirs
CREATE TABLE users (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  username VARCHAR(63) NOT NULL UNIQUE,
  email VARCHAR(255),
  schema_name VARCHAR(63) UNIQUE,
  status VARCHAR(20) NOT NULL DEFAULT 'active',
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
