ALTER TABLE orders ADD COLUMN currency char(3) NOT NULL DEFAULT 'EUR';
ALTER TABLE order_items MODIFY title varchar(255) NOT NULL;
CREATE INDEX members_created ON members (created_at);
