CREATE TABLE order_notes (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, order_id int unsigned NOT NULL, note text NOT NULL, KEY order_notes_order (order_id));
