import type { Dialect } from '../../model/dialect.ts'
import { batches } from './batches.ts'
import { blockers } from './blockers.ts'
import { compareExisting } from './compare-existing.ts'
import { compileMigrations } from './compile.ts'
import { connect } from './connection.ts'
import { countRows } from './count-rows.ts'
import { driverOptions } from './driver.ts'
import { emptying } from './emptying.ts'
import { facts } from './facts.ts'
import { health } from './health.ts'
import { lockHolder, lockTarget } from './lock.ts'
import { nameObjects } from './name-objects.ts'
import { readNativeLock } from './native-lock.ts'
import { phrases, settingsSql } from './phrases.ts'
import { pictures } from './pictures.ts'
import { probeStatement } from './probe.ts'
import { places } from './provision.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { readHistories } from './read-histories.ts'
import { registryWords } from './registry-words.ts'
import { removal } from './removal.ts'
import { samples } from './samples.ts'
import { scratch } from './scratch.ts'
import { seedWords } from './seed-words.ts'
import { tableSizes } from './table-sizes.ts'

/** MariaDB 10.5 and later, MySQL 5.7 and later. A target is a database; what they call a schema is the same thing. */
export const mysql: Dialect = {
  name: 'mysql',
  family: 'mysql',
  features: { transactionalDdl: false, schemas: false },
  phrases,
  pictures,
  scratch,
  places,
  samples,
  removal,
  facts,
  tableSizes,
  batches,
  emptying,
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
  nameObjects: async (statement, schema) => nameObjects(statement.text(schema), schema),
  sessionSettings: (settings, version) => [settingsSql(settings, version), ...settings.session],
  poolerObstacle: () => null,
  probe: (connection, statement, schema) => probeStatement(connection, statement.text(schema), schema),
  compareExisting: (connection, statement, schema) => compareExisting(connection, statement.text(schema), schema),
}
