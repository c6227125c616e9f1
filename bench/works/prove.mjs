import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { withSchemas } from '../lib/fleet.mjs'
import { compareRatio } from '../lib/rows.mjs'
import { measurePairs, time } from '../lib/statistics.mjs'

const count = 100

/** Proving a hundred migrations (up, down, up again, with rows and pictures in between) against applying them once. */
export async function measureProve({ server, options, runners, temp, log }) {
  const migrations = path.join(temp, 'prove-migrations')
  await mkdir(path.join(migrations, 'rollbacks'), { recursive: true })
  for (const { name, up, down } of writeMigrations()) {
    await writeFile(path.join(migrations, name), up)
    await writeFile(path.join(migrations, 'rollbacks', name), down)
  }
  const measure = (name) =>
    withSchemas(server, 1, async ({ database }) => {
      const job = { url: server.url(database), migrations, count }
      const ms = await time(() => runners.tenantry[name](job))
      log(`  ${name.padEnd(20)} ${(ms / 1000).toFixed(2)} s`)
      return ms
    })
  await measure('applyAll')
  const pairs = await measurePairs({ rounds: options.pairs, ours: 'proveAll', others: ['applyAll'], measure })
  return [
    compareRatio({
      work: `prove ${count} migrations`,
      against: 'applying them once',
      pairs: pairs.get('applyAll'),
      atMost: 4,
    }),
  ]
}

/** Tables that refer to each other, and what is done to them as a product grows. */
function* writeMigrations() {
  for (let i = 0; i < count; i++) {
    const table = `items_${Math.floor(i / 4)}`
    const parent = i < 4 ? '' : `, parent_id integer REFERENCES items_${Math.floor(i / 4) - 1}`
    const [up, down] = [
      [`CREATE TABLE ${table} (id serial PRIMARY KEY, name text NOT NULL${parent});`, `DROP TABLE ${table};`],
      [
        `ALTER TABLE ${table} ADD COLUMN email varchar(100);\nCREATE UNIQUE INDEX ${table}_email ON ${table} (email);`,
        `ALTER TABLE ${table} DROP COLUMN email;`,
      ],
      [
        `CREATE INDEX ${table}_name ON ${table} (name);\nALTER TABLE ${table} ADD CONSTRAINT ${table}_named CHECK (length(name) > 0);`,
        `ALTER TABLE ${table} DROP CONSTRAINT ${table}_named;\nDROP INDEX ${table}_name;`,
      ],
      [
        `ALTER TABLE ${table} ADD COLUMN score numeric(8, 2) NOT NULL DEFAULT 0;\nUPDATE ${table} SET score = 1;`,
        `ALTER TABLE ${table} DROP COLUMN score;`,
      ],
    ][i % 4]
    yield { name: `${String(i + 1).padStart(3, '0')}_step.sql`, up: `${up}\n`, down: `${down}\n` }
  }
}
