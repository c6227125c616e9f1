CREATE TABLE members (
  id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  email varchar(255) NOT NULL,
  name varchar(120) NOT NULL,
  active boolean NOT NULL DEFAULT '1',
  created_at datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at datetime NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX members_email_unique ON members (email);
