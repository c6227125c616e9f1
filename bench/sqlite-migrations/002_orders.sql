CREATE TABLE orders (
  id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  member_id integer NOT NULL,
  state text CHECK (state IN ('open', 'paid', 'sent')) NOT NULL,
  total float NOT NULL DEFAULT '0',
  placed_at datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
  FOREIGN KEY (member_id) REFERENCES members (id) ON DELETE CASCADE
);
CREATE INDEX orders_member_id_placed_at_index ON orders (member_id, placed_at);
