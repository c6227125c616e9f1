-- Migration: unique e-mails
-- Description: One customer per e-mail address
CREATE UNIQUE INDEX customers_email_key ON customers (lower(email));
