import { type Command, InvalidArgumentError } from 'commander'
import { stateNames } from '../../config/to-tenant.ts'
import { isTenantryError } from '../../model/errors.ts'
import type { TenantState } from '../../model/tenant.ts'
import type { ListTenantsOptions, TenantItem } from '../../model/tenant-report.ts'
import { addExamples } from '../examples.ts'
import { type ExitCode, exitCodeOfError } from '../exit-code.ts'
import { collectLabel, parseCount } from '../flags.ts'
import type { Invoke } from '../invoke.ts'
import { describeError } from '../print/error.ts'
import { endTenantList, startTenantTable } from '../print/tenants-list.ts'
import type { Session } from '../session.ts'
import { showControls } from '../text.ts'
import { writeText } from '../write-text.ts'

interface ListFlags {
  state?: TenantState[]
  label?: string[]
  limit?: number
  after?: string
}

export function addTenantsList(tenants: Command, invoke: Invoke): void {
  const command = tenants
    .command('list')
    .description(
      'Lists the tenants of the registry, in the order of their ids, as they are read: a hundred thousand take no more ' +
        'memory than ten.',
    )
    .option('--state <state>', 'in this state; repeatable', collectState)
    .option('--label <key=value>', 'with this label; repeatable, all must match', collectLabel)
    .option('--limit <n>', 'at most this many', parseCount)
    .option('--after <tenant>', 'those that come after it: the next page', String)
  addExamples(command, [
    ['tenantry tenants list', 'all of them'],
    ['tenantry tenants list --state active --label tier=gold', 'some of them'],
    ['tenantry tenants list --limit 50 --after acme', 'the page after the one that ended with acme'],
    ['tenantry tenants list --json', 'for programs'],
  ])
  command.action((flags: ListFlags) =>
    invoke(command, async (session) => {
      const tenantry = await session.open()
      const { state: states, label: labels, limit, after } = flags
      // One more than asked for tells whether there is another page.
      const options: ListTenantsOptions = {
        ...(states === undefined ? {} : { states }),
        ...(labels === undefined ? {} : { labels }),
        ...(limit === undefined ? {} : { limit: limit + 1 }),
        ...(after === undefined ? {} : { after }),
      }
      const list = takePage(tenantry.tenants.list(options), limit ?? Number.POSITIVE_INFINITY)
      return session.flags.json ? writeDocument(session, list) : writeTable(session, list, flags)
    }),
  )
}

interface Page {
  tenants: AsyncIterable<TenantItem>
  /** Slug to go on after, once `tenants` has ended; null: there are no more. */
  next(): string | null
}

function takePage(all: AsyncIterable<TenantItem>, limit: number): Page {
  let next: string | null = null
  async function* first(): AsyncIterable<TenantItem> {
    let count = 0
    let last = ''
    for await (const tenant of all) {
      if (count === limit) {
        next = last
        return
      }
      count++
      last = tenant.slug
      yield tenant
    }
  }
  return { tenants: first(), next: () => next }
}

/** The one document, written as its tenants come; where the registry goes away in between, it ends with why. */
async function writeDocument({ host }: Session, { tenants, next }: Page): Promise<ExitCode> {
  let written = false
  const head = '{\n  "command": "tenants list",\n  "tenants": ['
  let rows: string[] = []
  const flush = async () => {
    const text = rows.map((row, i) => `${i > 0 || written ? ',' : ''}\n    ${row}`).join('')
    const isRead = await writeText(host.stdout, `${written ? '' : head}${text}`)
    written = true
    rows = []
    return isRead
  }
  try {
    for await (const { id, slug, state, topology, target, labels, name } of tenants) {
      rows.push(JSON.stringify({ id, slug, state, topology, target, labels, ...(name === null ? {} : { name }) }))
      if (rows.length >= 100 && !(await flush())) return 0
    }
    await flush()
    await writeText(host.stdout, `\n  ],\n  "next": ${JSON.stringify(next())},\n  "ok": true\n}\n`)
    return 0
  } catch (error) {
    if (!written || !isTenantryError(error)) throw error
    await flush()
    await writeText(host.stdout, `\n  ],\n  "ok": false,\n  "error": ${JSON.stringify(error.toJSON())}\n}\n`)
    return exitCodeOfError(error)
  }
}

async function writeTable(session: Session, { tenants, next }: Page, flags: ListFlags): Promise<ExitCode> {
  const { host, style } = session
  const table = startTenantTable(style)
  let rows: TenantItem[] = []
  let count = 0
  const flush = async () => {
    const lines = table(rows)
    rows = []
    return lines.length === 0 || writeText(host.stdout, `${lines.join('\n')}\n`)
  }
  try {
    for await (const tenant of tenants) {
      rows.push(tenant)
      count++
      if (rows.length >= 100 && !(await flush())) return 0
    }
    await flush()
  } catch (error) {
    if (!isTenantryError(error) || count === 0) throw error
    await flush()
    host.stderr.write(`${describeError(showControls(error.toJSON()), style.colors).join('\n')}\n`)
    return exitCodeOfError(error)
  }
  const filtered = flags.state !== undefined || flags.label !== undefined || flags.after !== undefined
  const end = endTenantList(count, next(), filtered, style)
  if (end.length > 0) await writeText(host.stdout, `${end.join('\n')}\n`)
  return 0
}

function collectState(value: string, previous: readonly TenantState[] | undefined): TenantState[] {
  const words = value.split(',')
  const states = words.flatMap((word) => stateNames.filter((name) => name === word))
  if (states.length !== words.length) throw new InvalidArgumentError(`There are ${stateNames.join(', ')}.`)
  return [...(previous ?? []), ...states]
}
