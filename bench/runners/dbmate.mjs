import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runAll } from '../lib/run-all.mjs'

const program = fileURLToPath(new URL('../node_modules/@dbmate/linux-x64/bin/dbmate', import.meta.url))
const run = promisify(execFile)

/** It is a program and nothing else: a process per schema, with the schema as the search path of its URL. */
export const dbmate = {
  name: 'dbmate',
  historyTable: 'schema_migrations',
  /** It is installed on Linux only. */
  isThere: () => existsSync(program),

  async migrateSchemas({ url, schemas, concurrency, migrations }) {
    await runAll(schemas, concurrency, async (schema) => {
      const address = new URL(url)
      address.searchParams.set('sslmode', 'disable')
      address.searchParams.set('search_path', schema)
      await run(program, ['--no-dump-schema', '--migrations-dir', migrations, 'migrate'], {
        env: { PATH: process.env.PATH, DATABASE_URL: address.href },
      })
    })
  },
}
