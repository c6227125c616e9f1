// npm run bench: measures tenantry side by side with other tools on one real server. See docs/benchmarks.md.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readArguments, usage } from './lib/arguments.mjs'

const here = new URL('./', import.meta.url)
const repository = new URL('../', here)

try {
  const options = readArguments(process.argv.slice(2))
  if (options.help) console.log(usage)
  else {
    installPeers()
    // What is measured is what is in the source, not what was built some time ago.
    if (options.dist === null) runNode(['scripts/build.mjs'], repository)
    const { runBench } = await import('./lib/bench.mjs')
    process.exitCode = await runBench(options)
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}

/** The tools we measure against live in a package of their own, so that ours stays small. */
function installPeers() {
  const { dependencies, optionalDependencies } = readPackage('package.json')
  const isLinux = process.platform === 'linux' && process.arch === 'x64'
  const wanted = { ...dependencies, ...(isLinux ? optionalDependencies : {}) }
  const stale = Object.entries(wanted).filter(([name, version]) => {
    const installed = `node_modules/${name}/package.json`
    return !existsSync(new URL(installed, here)) || readPackage(installed).version !== version
  })
  if (stale.length === 0) return
  console.log(`Installing ${stale.map(([name, version]) => `${name} ${version}`).join(', ')} …`)
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  execFileSync('npm', args, { cwd: fileURLToPath(here), stdio: 'inherit', shell: process.platform === 'win32' })
}

function runNode(args, folder) {
  execFileSync(process.execPath, args, { cwd: fileURLToPath(folder), stdio: 'inherit' })
}

function readPackage(file) {
  return JSON.parse(readFileSync(new URL(file, here), 'utf8'))
}
