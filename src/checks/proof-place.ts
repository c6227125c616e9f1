import type { Connection, Dialect } from '../model/dialect.ts'
import type { Notice } from '../model/migration.ts'
import type { PictureScope, SchemaPicture } from '../model/picture.ts'
import type { TargetPlan } from '../model/plan.ts'
import type { SampleTable, TableContents } from '../model/sample.ts'
import type { Target } from '../model/tenant.ts'
import { engineSettings } from '../rollout/carry-out.ts'
import type { Fleet, FleetSet } from '../rollout/fleet.ts'
import { RowGenerator } from './generate-rows.ts'

/** Tables and what was in them, at one moment. */
export interface RowsThen {
  tables: readonly SampleTable[]
  contents: readonly TableContents[]
}

/**
 * A place on the scratch server that is looked at between migrations. Its sessions are its own: the schema and the rows
 * may be looked at at the same time.
 */
export class ProofPlace {
  readonly target: Target
  /** Its history as the last migration here has left it; null: it has to be read. */
  history: TargetPlan | null = null
  readonly #dialect: Dialect
  readonly #connection: Connection
  /** For fingerprints. */
  readonly #beside: Connection
  readonly #scope: PictureScope
  readonly #rows: RowGenerator

  private constructor(
    target: Target,
    dialect: Dialect,
    connection: Connection,
    beside: Connection,
    scope: PictureScope,
  ) {
    this.target = target
    this.#dialect = dialect
    this.#connection = connection
    this.#beside = beside
    this.#scope = scope
    this.#rows = new RowGenerator(dialect, connection, target.placement.schema ?? null, scope.exceptTables)
  }

  /** Throws `DatabaseError`. */
  static async open(fleet: Fleet, set: FleetSet, target: Target, scope: PictureScope): Promise<ProofPlace> {
    const { server, database, schema } = target.placement
    const dialect = fleet.pool.dialect(server)
    // Triggers find what they name as they would in a tenant.
    const settings = { ...engineSettings(fleet), schema: schema ?? null, session: set.config.session }
    const connections: Connection[] = []
    const another = async () => {
      const connection = await fleet.pool.another(server, database)
      connections.push(connection)
      for (const sql of dialect.sessionSettings(settings, connection.version)) await connection.query(sql)
      return connection
    }
    try {
      return new ProofPlace(target, dialect, await another(), await another(), scope)
    } catch (error) {
      for (const connection of connections) await connection.close()
      throw error
    }
  }

  get #schema(): string | null {
    return this.target.placement.schema ?? null
  }

  /** Hash of the schema as it is. */
  async fingerprint(): Promise<string> {
    const { hashes } = await this.#dialect.pictures.fingerprint(this.#beside, [this.#schema], this.#scope)
    return hashes[0] ?? ''
  }

  async describe(): Promise<SchemaPicture> {
    const picture = await this.#dialect.pictures.describe(this.#connection, this.#schema, this.#scope)
    return picture ?? { hash: '', objects: [] }
  }

  /** Rows for every table that has none, or that has changed. */
  async fill(options: { emptyOnly?: boolean } = {}): Promise<{ rows: RowsThen; notices: Notice[] }> {
    const { tables, notices } = await this.#rows.fill(options)
    return { rows: await this.look(tables), notices }
  }

  /** What these tables hold now. */
  async look(tables: readonly SampleTable[]): Promise<RowsThen> {
    const contents = await this.#dialect.samples.contents(this.#connection, tables)
    this.#rows.learn(tables, contents)
    return { tables, contents }
  }

  async close(): Promise<void> {
    await Promise.all([this.#connection.close(), this.#beside.close()])
  }
}
