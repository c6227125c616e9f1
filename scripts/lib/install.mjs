import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/**
 * Runs `npm ci` when `node_modules` is missing or is not what package-lock.json asks for. Development packages are
 * installed whatever NODE_ENV says: they are what the set-up is for.
 * @param {string} root of the repository
 * @param {{ onStart?: () => void, ignoreScripts?: boolean }} [options]
 * @throws when npm fails
 */
export function installPackages(root, { onStart, ignoreScripts = false } = {}) {
  const stamp = path.join(root, '.cache', 'installed')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hashInstall(root)) return
  if (!isInstalled(root)) {
    onStart?.()
    const [command, ...args] = findNpm()
    const flags = [
      'ci',
      '--no-audit',
      '--no-fund',
      '--include=dev',
      '--include=optional',
      ...(ignoreScripts ? ['--ignore-scripts'] : []),
    ]
    // npm's own output is progress, not a result.
    const result = spawnSync(command, [...args, ...flags], { cwd: root, stdio: ['ignore', 2, 2] })
    if (result.status !== 0)
      throw new Error(
        `npm ci failed${result.error ? `: ${result.error.message}` : ''}. Run it by hand to see why: npm ci`,
      )
  }
  writeFileSync(stamp, hashInstall(root))
}

/**
 * What is asked for and what npm recorded as installed: any later `npm install` or `npm prune` changes one of them.
 * @param {string} root
 */
function hashInstall(root) {
  const hash = createHash('sha256')
  for (const name of ['package-lock.json', path.join('node_modules', '.package-lock.json')]) {
    const file = path.join(root, name)
    hash.update(existsSync(file) ? readFileSync(file) : 'none').update('\0')
  }
  return hash.digest('hex')
}

/**
 * Somebody may have run `npm ci` or `npm install` by hand: that is as good.
 * @param {string} root
 */
function isInstalled(root) {
  const record = path.join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = readPackages(record)
  return Object.entries(readPackages(path.join(root, 'package-lock.json'))).every(([place, wanted]) => {
    if (place === '') return true
    const found = installed[place]
    if (!found) return wanted.optional === true && !isForHere(wanted)
    return found.version === wanted.version
  })
}

/** @typedef {{ version?: string, optional?: boolean, os?: string[], cpu?: string[], libc?: string[] }} LockedPackage */

/**
 * @param {string} file
 * @returns {Record<string, LockedPackage>}
 */
function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages ?? {}
}

/** @param {LockedPackage} wanted */
function isForHere({ os, cpu, libc }) {
  // Which libc this is, is costly to find out; a package for another one is never a reason to install again.
  return libc === undefined && (os?.includes(process.platform) ?? false) && (cpu?.includes(process.arch) ?? true)
}

/** @returns {[string, ...string[]]} the npm that runs us, or else the one on the path */
function findNpm() {
  const npm = process.env.npm_execpath
  if (npm && /npm-cli\.c?js$/.test(npm)) return [process.execPath, npm]
  return ['npm']
}
