CREATE TABLE orders (
  id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  member_id int unsigned NOT NULL,
  state enum('open', 'paid', 'cancelled') NOT NULL DEFAULT 'open',
  total decimal(12, 2) NOT NULL DEFAULT 0,
  CONSTRAINT orders_member FOREIGN KEY (member_id) REFERENCES members (id) ON DELETE CASCADE
);
CREATE INDEX orders_state ON orders (state, member_id);
