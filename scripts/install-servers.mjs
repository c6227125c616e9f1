/**
 * Installs Debian packages that tests need: `node scripts/install-servers.mjs pgbouncer`. Needs root and apt-get.
 * What is installed already is left alone, and no service is started.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import process from 'node:process'

const policyFile = '/usr/sbin/policy-rc.d'
const aptOptions = ['-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3']

const missing = process.argv.slice(2).filter((name) => !isInstalled(name))
if (missing.length > 0) install(missing)

/** @param {string} name */
function isInstalled(name) {
  const query = spawnSync('dpkg-query', ['-s', name], { encoding: 'utf8' })
  return query.status === 0 && query.stdout.includes('Status: install ok installed')
}

/** @param {string[]} names */
function install(names) {
  // Debian starts a service as soon as it is installed, unless this file says no; tests start servers of their own.
  const ownsPolicy = !existsSync(policyFile)
  if (ownsPolicy) writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    run('apt-get', [...aptOptions, 'update'])
    run('apt-get', [...aptOptions, 'install', '--yes', '--no-install-recommends', ...names])
  } finally {
    if (ownsPolicy) rmSync(policyFile, { force: true })
  }
  // Nor at the next boot. Without systemd there is nothing to disable.
  const services = names.map((name) => `${name.replace(/-server$/, '')}.service`)
  spawnSync('systemctl', ['disable', ...services], { stdio: 'ignore' })
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const result = spawnSync(command, args, { encoding: 'utf8', env })
  if (result.status === 0) return
  console.error(`${command} ${args.join(' ')} failed: ${result.error?.message ?? `${result.stdout}${result.stderr}`}`)
  throw new Error(`Could not install ${process.argv.slice(2).join(', ')}`)
}
