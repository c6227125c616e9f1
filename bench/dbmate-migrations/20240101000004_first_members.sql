-- migrate:up
INSERT INTO members (email, name) VALUES ('owner@example.org', 'Owner');

INSERT INTO orders (member_id, state, total)
SELECT m.id, o.state::order_state, o.total
FROM members m CROSS JOIN (VALUES ('open', 10), ('paid', 25.5)) AS o (state, total)
WHERE m.email = 'owner@example.org';

-- migrate:down
DELETE FROM members WHERE email = 'owner@example.org';
