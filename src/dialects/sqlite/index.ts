import type { Dialect } from '../../model/dialect.ts'
import { batches } from './batches.ts'
import { compareExisting } from './compare-existing.ts'
import { compileMigrations } from './compile.ts'
import { connect } from './connection.ts'
import { countRows } from './count-rows.ts'
import { emptying } from './emptying.ts'
import { facts } from './facts.ts'
import { driverOptions } from './files.ts'
import { health } from './health.ts'
import { blockers, lockHolder, lockTarget } from './lock.ts'
import { nameObjects } from './name-objects.ts'
import { readNativeLock } from './native-lock.ts'
import { phrases, settingsSql } from './phrases.ts'
import { pictures } from './pictures.ts'
import { probeStatement } from './probe.ts'
import { places } from './provision.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { readHistories } from './read-histories.ts'
import { registryWords } from './registry-words.ts'
import { RemoteConnection } from './remote-connection.ts'
import { removal } from './removal.ts'
import { samples } from './samples.ts'
import { scratch } from './scratch.ts'
import { seedWords } from './seed-words.ts'
import { tableSizes } from './table-sizes.ts'

/**
 * SQLite files, through Node's own SQLite or `libsql`, and databases of remote libSQL servers, over HTTP. A server is a
 * folder or a host, a database a file in it or a namespace; none is ever made by connecting to it. Statements run in this thread: one that takes long holds up the whole process.
 */
export const sqlite: Dialect = {
  name: 'sqlite',
  family: 'sqlite',
  features: { transactionalDdl: true, schemas: false, ownSchema: 'main' },
  phrases,
  pictures,
  scratch,
  places,
  samples,
  batches,
  emptying,
  removal,
  facts,
  tableSizes,
  registryWords,
  seedWords,
  quoteIdentifier,
  quoteLiteral,
  connect,
  driverOptions,
  compile: compileMigrations,
  readHistories,
  health,
  lockTarget,
  lockHolder,
  blockers,
  ensureExtensions: async () => {},
  async *listSchemas() {},
  readNativeLock,
  countRows,
  nameObjects: async (statement, schema) => nameObjects(statement.text(schema)),
  sessionSettings: (settings) => [settingsSql(settings), ...settings.session],
  poolerObstacle: () => null,
  async probe(connection, statement, schema) {
    // A server goes on with what it was sent: whoever may write next comes after it.
    if (connection instanceof RemoteConnection) await connection.waitForWriters()
    return probeStatement(connection, statement.text(schema), schema)
  },
  compareExisting: (connection, statement, schema) => compareExisting(connection, statement.text(schema), schema),
}
