import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const settings = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']

/**
 * Compiles `src` into `dist`, unless `dist` was made from the same sources. Not for two processes at once: hold the lock.
 * @param {string} root of the repository
 * @param {{ force?: boolean, onStart?: () => void }} [options]
 * @returns {boolean} whether it compiled
 * @throws when the sources have errors; the old `dist` then stays
 */
export function buildDist(root, { force = false, onStart } = {}) {
  const stamp = path.join(root, '.cache', 'built')
  const dist = path.join(root, 'dist')
  const main = path.join('cli', 'main.js')
  const hash = hashSources(root)
  const isThere = [main, 'index.js'].every((name) => existsSync(path.join(dist, name)))
  if (!force && isThere && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return false

  onStart?.()
  const fresh = path.join(root, '.cache', 'dist')
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { recursive: true })
  const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = [compiler, '-p', 'tsconfig.build.json', '--outDir', fresh, '--noEmitOnError']
  const result = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`The build failed:\n${result.stdout}${result.stderr}`)
  chmodSync(path.join(fresh, main), 0o755)
  // Compiled aside and put in place at once: a process that runs from dist sees it missing for a moment at most.
  rmSync(stamp, { force: true })
  rmSync(dist, { recursive: true, force: true })
  renameSync(fresh, dist)
  writeFileSync(stamp, hash)
  return true
}

/** @param {string} root */
function hashSources(root) {
  const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => path.join('src', name))
    .sort()
  const hash = createHash('sha256')
  for (const name of [...settings, ...sources]) {
    hash
      .update(`${name}\0`)
      .update(readFileSync(path.join(root, name)))
      .update('\0')
  }
  return hash.digest('hex')
}
