import { spawn } from 'node:child_process'
import { TenantryError } from '../model/errors.ts'
import type { ServerAddress } from '../model/server.ts'
import type { Target } from '../model/tenant.ts'

/**
 * Runs a backup command for one target. The command learns what to back up from its environment (PGHOST, PGPORT,
 * PGUSER, PGPASSWORD, PGDATABASE, TENANTRY_TARGET, TENANTRY_TENANTS, TENANTRY_SERVER, TENANTRY_DATABASE,
 * TENANTRY_SCHEMA; PGSSLMODE=require, if not set, where the server is reached over TLS), so that no password is in an
 * argument. `cancel` ends it. Throws BACKUP_FAILED.
 */
export async function runBackup(
  command: string,
  target: Target,
  server: ServerAddress,
  cwd: string,
  cancel?: AbortSignal,
): Promise<void> {
  const { code, output } = await new Promise<{ code: number | null; output: string }>((resolve) => {
    const child = spawn(command, {
      shell: true,
      // A group of its own: Ctrl-C on the terminal does not reach it, and a cancel reaches all that it started.
      detached: true,
      cwd,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...otherPlaces, ...describeTarget(target, server) },
    })
    let output = ''
    const end = () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
    }
    cancel?.addEventListener('abort', end)
    if (cancel?.aborted) end()
    child.stderr.setEncoding('utf8')
    child.stderr.on('data', (text: string) => {
      output = (output + text).slice(-20_000)
    })
    child.on('error', (error) => resolve({ code: null, output: error.message }))
    child.on('close', (exit) => {
      cancel?.removeEventListener('abort', end)
      resolve({ code: exit, output })
    })
  })
  if (code === 0) return
  const password = server.password?.reveal()
  // Masked whole, then cut: a cut through the password would leave a piece of it.
  const said = (password ? output.replaceAll(password, '[secret]') : output).trim().slice(-2000)
  throw new TenantryError(
    'BACKUP_FAILED',
    `The backup of ${target.name} failed (exit code ${code ?? 'none'}), so it was not touched.`,
    {
      hint: 'Mend the backup command and run `tenantry up` again.',
      context: { target: target.name, output: said },
    },
  )
}

/** libpq takes these for more than PGHOST, PGPORT and PGDATABASE: the backup would be one of another database. */
const otherPlaces = { PGSERVICE: undefined, PGHOSTADDR: undefined }

function describeTarget({ name, placement, tenants }: Target, server: ServerAddress): Record<string, string> {
  return {
    TENANTRY_TARGET: name,
    TENANTRY_TENANTS: tenants.map(({ slug }) => slug).join(','),
    TENANTRY_SERVER: placement.server,
    TENANTRY_DATABASE: placement.database,
    TENANTRY_SCHEMA: placement.schema ?? '',
    PGHOST: server.socketPath ?? server.host,
    PGPORT: String(server.port),
    PGDATABASE: placement.database,
    // What libpq does by default is to go on in clear with a server that claims to know no TLS.
    ...(server.tls === null ? {} : { PGSSLMODE: process.env.PGSSLMODE || 'require' }),
    ...(server.user === undefined ? {} : { PGUSER: server.user }),
    ...(server.password === undefined ? {} : { PGPASSWORD: server.password.reveal() }),
  }
}
