import type { Dialect } from '../../model/dialect.ts'
import { batches } from './batches.ts'
import { compareExisting } from './compare-existing.ts'
import { compileMigrations } from './compile.ts'
import { connect, driverOptions } from './connection.ts'
import { countRows } from './count-rows.ts'
import { emptying } from './emptying.ts'
import { ensureExtensions } from './extensions.ts'
import { facts } from './facts.ts'
import { health } from './health.ts'
import { blockers, lockHolder, lockTarget } from './lock.ts'
import { nameObjects } from './name-objects.ts'
import { readNativeLock } from './native-lock.ts'
import { phrases, settingValues } from './phrases.ts'
import { pictures } from './pictures.ts'
import { poolerObstacle } from './pooler.ts'
import { probeStatement } from './probe.ts'
import { places } from './provision.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { readHistories } from './read-histories.ts'
import { registryWords } from './registry-words.ts'
import { removal } from './removal.ts'
import { samples } from './samples.ts'
import { listSchemas } from './schemas.ts'
import { scratch } from './scratch.ts'
import { seedWords } from './seed-words.ts'
import { tableSizes } from './table-sizes.ts'

/** PostgreSQL 14 and later, direct or through a transaction pooler. */
export const postgres: Dialect = {
  name: 'postgres',
  family: 'postgres',
  features: { transactionalDdl: true, schemas: true },
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
  ensureExtensions,
  listSchemas,
  readNativeLock,
  countRows,
  nameObjects: (statement, schema) => nameObjects(statement.text(schema), schema),
  sessionSettings: (settings, version) => [
    ...settingValues(settings, version).map(([name, value]) => `SELECT set_config('${name}', ${value}, false)`),
    ...settings.session,
  ],
  poolerObstacle: (statement, schema) => poolerObstacle(statement.text(schema)),
  probe: (connection, statement, schema) => probeStatement(connection, statement.text(schema), schema),
  compareExisting: (connection, statement, schema) => compareExisting(connection, statement.text(schema), schema),
}
