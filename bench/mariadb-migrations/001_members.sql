CREATE TABLE members (
  id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  email varchar(190) NOT NULL,
  name varchar(190) NOT NULL DEFAULT '',
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  UNIQUE KEY members_email (email)
) DEFAULT CHARSET = utf8mb4;
INSERT INTO members (email, name) VALUES ('owner@example.org', 'Owner'), ('support@example.org', 'Support');
