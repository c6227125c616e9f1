/**
 * Migrations as a product grows them: 100 tables, and five files for each. Half of what they do is safe, half is what
 * `lint` is there for. @param {'postgres' | 'mysql'} dialect
 */
export function* writeLintSources(dialect, count = 500) {
  const words = dialects[dialect]
  for (let i = 0; i < count; i++) {
    const number = String(i + 1).padStart(4, '0')
    const table = `items_${Math.floor(i / 5)}`
    const parent = `items_${Math.max(0, Math.floor(i / 5) - 1)}`
    const { name, up, down } = steps[i % 5](table, parent, words)
    yield { name: `${number}_${name}.sql`, up: `${up}\n`, down: `${down}\n` }
  }
}

const dialects = {
  postgres: {
    key: 'bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
    prefix: 'public.',
    time: 'timestamptz NOT NULL DEFAULT now()',
    dropIndex: (index) => `DROP INDEX ${index};`,
    dropCheck: 'DROP CONSTRAINT',
    body: (table) =>
      `CREATE FUNCTION public.touch_${table}() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  NEW.changed_at := now();\n  UPDATE public.${table} SET hits = hits + 1 WHERE id = NEW.parent_id;\n  RETURN NEW;\nEND\n$$;\nCREATE TRIGGER ${table}_touch BEFORE UPDATE ON public.${table} FOR EACH ROW EXECUTE FUNCTION public.touch_${table}();`,
    dropBody: (table) => `DROP TRIGGER ${table}_touch ON public.${table};\nDROP FUNCTION public.touch_${table}();`,
  },
  mysql: {
    key: 'BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY',
    prefix: '',
    time: 'DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP',
    dropIndex: (index, table) => `DROP INDEX ${index} ON ${table};`,
    dropCheck: 'DROP CONSTRAINT',
    body: (table) =>
      `CREATE TRIGGER ${table}_touch BEFORE UPDATE ON ${table} FOR EACH ROW SET NEW.hits = OLD.hits + 1;`,
    dropBody: (table) => `DROP TRIGGER ${table}_touch;`,
  },
}

const steps = [
  (table, parent, { key, prefix, time }) => ({
    name: `add_${table}`,
    up: `-- What the product is about.\nCREATE TABLE ${prefix}${table} (\n  id ${key},\n  parent_id bigint REFERENCES ${prefix}${parent} (id),\n  name varchar(200) NOT NULL,\n  note varchar(400),\n  hits bigint NOT NULL DEFAULT 0,\n  price numeric(12, 2) NOT NULL DEFAULT 0,\n  created_at ${time},\n  changed_at ${time}\n);\nCREATE INDEX ${table}_parent ON ${prefix}${table} (parent_id);\nINSERT INTO ${prefix}${table} (name, note) VALUES ('first', 'made by the migration'), ('second', NULL);`,
    down: `DROP TABLE ${prefix}${table};`,
  }),
  (table, _, { prefix, dropIndex }) => ({
    name: `add_email_to_${table}`,
    up: `ALTER TABLE ${prefix}${table} ADD COLUMN email varchar(100);\nALTER TABLE ${prefix}${table} ADD COLUMN locale varchar(8) NOT NULL DEFAULT 'en';\nCREATE UNIQUE INDEX ${table}_email ON ${prefix}${table} (email);`,
    down: `${dropIndex(`${table}_email`, table)}\nALTER TABLE ${prefix}${table} DROP COLUMN locale;\nALTER TABLE ${prefix}${table} DROP COLUMN email;`,
  }),
  (table, _, { prefix, dropCheck }) => ({
    name: `check_prices_of_${table}`,
    up: `ALTER TABLE ${prefix}${table} ADD CONSTRAINT ${table}_price CHECK (price >= 0);\nUPDATE ${prefix}${table} SET note = concat(name, ' ', id) WHERE note IS NULL AND created_at < '2026-01-01';`,
    down: `ALTER TABLE ${prefix}${table} ${dropCheck} ${table}_price;`,
  }),
  (table, _, { body, dropBody }) => ({ name: `count_hits_of_${table}`, up: body(table), down: dropBody(table) }),
  (table, parent, { prefix }) => ({
    name: `sum_up_${table}`,
    up: `CREATE VIEW ${prefix}${table}_totals AS\n  SELECT p.name, count(*) AS items, sum(i.price) AS total, max(i.created_at) AS latest\n  FROM ${prefix}${table} i LEFT JOIN ${prefix}${parent} p ON p.id = i.parent_id\n  WHERE i.hits > 10 AND i.name NOT IN (SELECT name FROM ${prefix}${parent} WHERE hits = 0)\n  GROUP BY p.name\n  ORDER BY total DESC;\n-- tenantry:ignore drop-column because no release has ever read it\nALTER TABLE ${prefix}${table} DROP COLUMN note;`,
    down: `ALTER TABLE ${prefix}${table} ADD COLUMN note varchar(400);\nDROP VIEW ${prefix}${table}_totals;`,
  }),
]
