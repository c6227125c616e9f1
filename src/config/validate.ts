import * as v from 'valibot'
import { formatNames } from '../model/format.ts'
import { historyKinds } from '../model/history.ts'
import { objectKinds } from '../model/picture.ts'
import { largestLimit, limitNames, limits } from './limits.ts'
import { formatPath, type Problem, suggest } from './problem.ts'
import { addedNames } from './read-added.ts'
import { isExpression, isIterable, isRecord } from './record.ts'

const later = 'is not available yet in this version'

/** An object whose keys are known. `advice` is what to say about certain other keys. */
function shape<E extends v.ObjectEntries>(entries: E, advice: Readonly<Record<string, string>> = {}) {
  return v.pipe(
    v.looseObject(entries),
    v.rawCheck(({ dataset, addIssue }) => {
      const input: unknown = dataset.value
      if (!isRecord(input)) return
      for (const [key, value] of Object.entries(input)) {
        if (Object.hasOwn(entries, key)) continue
        const message = advice[key] ?? `unknown key${suggest(key, [...Object.keys(entries)])}`
        addIssue({ message, path: [{ type: 'object', origin: 'key', input: { ...input }, key, value }] })
      }
    }),
  )
}

const text = v.pipe(v.string(), v.minLength(1, 'is empty'))
const whole = (min: number) =>
  v.pipe(
    v.number(),
    v.check(
      (value) => Number.isInteger(value) && value >= min && value <= largestLimit,
      `must be a whole number from ${min}`,
    ),
  )

function isRegularExpression(source: string): boolean {
  try {
    // PostgreSQL's own start of an expression, `(?i)`, is no JavaScript.
    new RegExp(source.replace(/^\(\?[a-z]+\)/, ''))
    return true
  } catch {
    return false
  }
}

const regularExpression = v.lazy((input: unknown) =>
  isExpression(input) ? v.unknown() : v.pipe(v.string(), v.check(isRegularExpression, 'is not a regular expression')),
)

/** One that a server reads as JavaScript does: a flag, or PostgreSQL's own start of an expression, would say something else. */
const plainExpression = v.lazy((input: unknown) =>
  isExpression(input)
    ? v.pipe(
        v.unknown(),
        v.check(() => input.flags === '' && input.source !== '(?:)', 'must have no flags and not be empty'),
      )
    : v.pipe(
        text,
        v.check((source) => !/^\(\?[a-z]/.test(source) && isRegularExpression(source), 'is not a regular expression'),
      ),
)

/** A word of a list; some words are for later. */
function word(allowed: readonly string[], notYet: readonly string[] = []) {
  return v.pipe(
    v.string(),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed || allowed.includes(dataset.value)) return
      const message = notYet.includes(dataset.value)
        ? `\`${dataset.value}\` ${later}; use one of ${allowed.join(', ')}`
        : `must be one of ${allowed.join(', ')}${suggest(dataset.value, [...allowed, ...notYet])}`
      addIssue({ message })
    }),
  )
}

const laterFormats: readonly string[] = []

type AddedNames = ReturnType<typeof addedNames>

const tls = shape(
  {
    ca: v.optional(text),
    cert: v.optional(text),
    key: v.optional(text),
    servername: v.optional(text),
    unsafeSkipVerification: v.optional(v.boolean()),
  },
  {
    rejectUnauthorized:
      'is not a key here; to trust a server with its own authority, give its certificate in `tls.ca` (only `unsafeSkipVerification: true` switches the check off, and then anybody in between can read everything)',
  },
)

const server = shape(
  {
    // What a missing URL means is said where URLs are read.
    url: v.optional(v.string()),
    maxConcurrency: v.optional(whole(1)),
    maxConcurrencyPerDatabase: v.optional(whole(1)),
    tls: v.optional(tls),
  },
  {
    ssl: 'is not a key here; TLS is on for remote hosts, and `tls` holds its settings',
    password: 'is not a key here; it is part of `url`, percent-encoded',
  },
)

const makeSet = (added: AddedNames) =>
  shape({
    name: v.optional(text),
    dir: v.optional(
      v.lazy((input: unknown) => (Array.isArray(input) ? v.pipe(v.array(text), v.minLength(1, 'is empty')) : text)),
    ),
    format: v.optional(word(['auto', ...formatNames, ...added.formats], laterFormats)),
    knexfile: v.optional(text),
    sequelizerc: v.optional(text),
    dataSource: v.optional(text),
    kyselyConfig: v.optional(text),
    history: v.optional(
      shape({
        kind: v.optional(word(['auto', 'sql', ...historyKinds, ...added.kinds], laterFormats)),
        table: v.optional(text),
        schema: v.optional(text),
      }),
    ),
    tenants: v.optional(shape({ label: v.lazy((input: unknown) => (Array.isArray(input) ? v.array(text) : text)) })),
    ignore: v.optional(regularExpression),
    placeholders: v.optional(v.record(v.string(), v.string())),
    prefix: v.optional(v.string()),
    session: v.optional(v.array(text)),
    transaction: v.optional(word(['migration', 'target'])),
  })

const place = { server: v.optional(text), database: v.optional(text) }

const tenantSource = v.lazy((input: unknown) => {
  const from = isRecord(input) ? input.from : undefined
  if (from === 'schemas') {
    return shape({ from: v.literal('schemas'), ...place, like: v.optional(text), match: v.optional(regularExpression) })
  }
  if (from === 'query') return shape({ from: v.literal('query'), ...place, sql: text })
  return shape({ from: word(['schemas', 'query', 'registry']) })
})

const tenants = v.lazy((input: unknown) =>
  // Lists are read tenant by tenant elsewhere, in the same way as rows.
  typeof input === 'function' || isIterable(input) ? v.unknown() : tenantSource,
)

const makeConfig = (set: ReturnType<typeof makeSet>) =>
  shape(
    {
      servers: v.optional(v.record(v.string(), server)),
      scratch: v.optional(shape({ server: text })),
      migrations: v.optional(
        v.lazy((input: unknown) => (Array.isArray(input) ? v.pipe(v.array(set), v.minLength(1, 'is empty')) : set)),
      ),
      tenants: v.optional(tenants),
      ...Object.fromEntries(limitNames.map((name) => [name, v.optional(whole(limits[name].min))])),
      requiredTables: v.optional(v.array(text)),
      sharedSchema: v.optional(text),
      rollout: v.optional(
        shape({
          waves: v.optional(
            v.pipe(
              v.array(shape({ name: text, count: v.optional(whole(1)), percent: v.optional(v.number()) })),
              v.minLength(1, 'is empty'),
            ),
          ),
          // What it may say is checked where it is read.
          maxFailures: v.optional(v.unknown()),
        }),
      ),
      drift: v.optional(
        shape({
          kinds: v.optional(v.pipe(v.array(word(objectKinds)), v.minLength(1, 'is empty'))),
          ignore: v.optional(
            v.array(shape({ kind: v.optional(word(objectKinds)), object: plainExpression, reason: text })),
          ),
        }),
      ),
      dataChanges: v.optional(
        shape({
          dir: v.optional(text),
          chunkMs: v.optional(whole(10)),
          maxReplicaLagMs: v.optional(whole(0)),
          healthQuery: v.optional(text),
        }),
      ),
      lint: v.optional(
        shape({ pgVersion: v.optional(whole(9)), after: v.optional(text), squawk: v.optional(v.boolean()) }),
      ),
      sharedTables: v.optional(
        v.lazy((input: unknown) =>
          typeof input === 'boolean'
            ? v.boolean()
            : shape({
                column: v.optional(text),
                setting: v.optional(
                  v.pipe(
                    text,
                    v.regex(/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$/, 'must be a name with a dot, such as `app.tenant_id`'),
                  ),
                ),
                rowLevelSecurity: v.optional(v.boolean()),
                except: v.optional(v.array(text)),
              }),
        ),
      ),
      sampleDb: v.optional(
        shape({
          keep: v.array(
            v.lazy((input: unknown) =>
              typeof input === 'string'
                ? text
                : shape({
                    table: text,
                    where: v.optional(text),
                    limit: v.optional(whole(1)),
                    orderBy: v.optional(text),
                  }),
            ),
          ),
          maxRows: v.optional(whole(0)),
          productionLabels: v.optional(
            v.record(
              v.string(),
              v.lazy((input: unknown) => (Array.isArray(input) ? v.array(text) : text)),
            ),
          ),
        }),
      ),
      // What is in these is checked where they are read.
      registry: v.optional(
        shape({
          url: v.optional(v.string()),
          tls: v.optional(tls),
          schema: v.optional(text),
          migrations: v.optional(
            v.lazy((input: unknown) => (Array.isArray(input) ? v.pipe(v.array(set), v.minLength(1, 'is empty')) : set)),
          ),
          tenants: v.optional(
            shape({
              table: v.optional(text),
              schema: v.optional(text),
              columns: v.record(v.string(), v.unknown()),
              labels: v.optional(v.record(v.string(), v.unknown())),
              values: v.optional(
                shape({
                  topology: v.optional(v.record(v.string(), v.unknown())),
                  state: v.optional(v.record(v.string(), v.unknown())),
                }),
              ),
              defaults: v.optional(
                shape({
                  topology: v.optional(word(['dedicated', 'database', 'schema', 'shared'])),
                  server: v.optional(text),
                  dialect: v.optional(word(['postgres', 'mysql', 'sqlite'])),
                }),
              ),
              password: v.optional(word(['auto', 'sealed', 'cbc'])),
            }),
          ),
        }),
      ),
      keys: v.optional(
        shape({ master: v.optional(v.unknown()), previous: v.optional(v.unknown()), cbc: v.optional(v.unknown()) }),
      ),
      provision: v.optional(
        shape({
          topology: v.optional(word(['dedicated', 'database', 'schema', 'shared'])),
          server: v.optional(text),
          database: v.optional(text),
          naming: v.optional(text),
          role: v.optional(v.boolean()),
          extensions: v.optional(v.array(text)),
          from: v.optional(word(['auto', 'replay'])),
          firstRows: v.optional(v.function()),
        }),
      ),
      seeds: v.optional(shape({ dir: v.optional(text) })),
      environments: v.optional(v.record(v.string(), v.custom<object>(isRecord))),
      // What is in these is checked where they are read.
      formats: v.optional(v.array(v.unknown())),
      dialects: v.optional(v.array(v.unknown())),
    },
    { server: 'unknown key; did you mean `servers`?' },
  )

/** What is wrong with the keys and types of a config. Messages never show a value. */
export function findShapeProblems(raw: unknown): (Problem & { keys: readonly (string | number)[] })[] {
  const added = addedNames(isRecord(raw) ? raw : {})
  const result = v.safeParse(makeConfig(makeSet(added)), raw)
  return (result.issues ?? []).map((issue) => {
    const keys = (issue.path ?? []).map((item) => (typeof item.key === 'number' ? item.key : String(item.key)))
    return { path: formatPath(keys), keys, message: describe(issue) }
  })
}

function describe(issue: v.BaseIssue<unknown>): string {
  if (issue.kind === 'validation') return issue.message
  if (issue.input === undefined) return issue.path === undefined ? 'must be an object' : 'is missing'
  return `must be ${expectations[issue.type] ?? 'something else'}, not ${describeType(issue.input)}`
}

const expectations: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  record: 'an object',
  loose_object: 'an object',
  custom: 'an object',
  lazy: 'an object',
}

function describeType(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
