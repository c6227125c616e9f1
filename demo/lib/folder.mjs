import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { findCacheDir, findServerUser } from '../../scripts/lib/postgres-binaries.mjs'
import { endKeptServer } from '../../scripts/lib/postgres-sweep.mjs'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const template = path.join(repository, 'demo', 'template')

/** The built command line. */
export const cliFile = path.join(repository, 'dist', 'cli', 'main.js')

/** The path of a Unix socket may have a hundred bytes or so; its file's name takes some of them. */
const longestSocketDir = 80

/**
 * Makes an empty folder for the fleet and says where its server may live. What a former demo left there is removed,
 * its server ended.
 * @param {string} dir
 * @returns {Promise<string>} home of the server
 */
export async function prepareFolder(dir) {
  if (existsSync(dir) && readdirSync(dir).length > 0 && !existsSync(path.join(dir, 'server.mjs')))
    throw new Error(`${dir} is not empty, and no demo made it: name another folder.`)
  const user = findServerUser()
  const near = path.join(dir, 'server')
  // Also where the folder itself was deleted: its server may still run.
  const far = path.join(findCacheDir(user), `demo-${createHash('sha256').update(dir).digest('hex').slice(0, 8)}`)
  for (const home of [near, far]) {
    await endKeptServer(home)
    rmSync(home, { recursive: true, force: true })
  }
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  return Buffer.byteLength(near) <= longestSocketDir && canEnter(dir, user) ? near : far
}

/**
 * Puts config, migrations and scripts into the folder.
 * @param {string} dir
 * @param {{ dir: string, host: string, port: number, user: string, password: string }} server
 */
export function fillFolder(dir, server) {
  cpSync(template, dir, { recursive: true })
  const { host, port, user, password } = server
  const library = path.join(repository, 'scripts', 'lib')
  const url = `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}`
  writeFileSync(
    path.join(dir, 'server.json'),
    `${JSON.stringify({ url, dir: server.dir, port, password, library }, null, 2)}\n`,
    { mode: 0o600 },
  )
  const script = `#!/bin/sh\nexec ${quoteForShell(process.execPath)} ${quoteForShell(cliFile)} "$@"\n`
  writeFileSync(path.join(dir, 'tenantry'), script, { mode: 0o755 })
}

/**
 * The tenants of the config.
 * @param {string} dir
 * @returns {{ slug: string, layout: 'schema' | 'database' | 'dedicated' | 'shared', since: string }[]}
 */
export function readTenants(dir) {
  return JSON.parse(readFileSync(path.join(dir, 'tenants.json'), 'utf8'))
}

/**
 * @param {string} dir
 * @param {import('../../scripts/lib/postgres-binaries.mjs').ServerUser} user
 */
function canEnter(dir, user) {
  return spawnSync('test', ['-x', dir], { ...user, cwd: '/', stdio: 'ignore' }).status === 0
}

/** @param {string} text */
function quoteForShell(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
