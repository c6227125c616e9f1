INSERT INTO members (email, name) VALUES ('owner@example.org', 'Owner');
INSERT INTO orders (member_id, state, total)
SELECT id, 'open', 10 FROM members WHERE email = 'owner@example.org'
UNION ALL SELECT id, 'paid', 25.5 FROM members WHERE email = 'owner@example.org';
