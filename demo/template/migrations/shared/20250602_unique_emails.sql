-- Migration: unique e-mails
-- Description: One customer per e-mail address and tenant
CREATE UNIQUE INDEX customers_email_key ON customers (tenant_id, lower(email));
