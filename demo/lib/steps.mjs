import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { styleText } from 'node:util'
import { cliFile } from './folder.mjs'

const isColored = process.stdout.isTTY === true && !process.env.NO_COLOR

/** Variables that would tell the command line about another fleet than the demo's. */
const foreign = /^(TENANTRY_|TENANT_REGISTRY_|DB_|DATABASE_URL$|NODE_ENV$|PG|MASTER_ENCRYPTION_KEY)/

/** @param {string} text */
export function sayTitle(text) {
  console.log(`\n${isColored ? styleText('bold', text) : text}`)
}

/**
 * Prints a command, runs it, and throws unless it ends as it should.
 * @param {string} dir folder to run in
 * @param {readonly string[]} args of tenantry
 * @param {number} expected exit code
 * @param {AbortSignal} signal ends it
 */
export async function runTenantry(dir, args, expected, signal) {
  const line = `$ tenantry ${args.join(' ')}`
  console.log(`\n${isColored ? styleText('cyan', line) : line}`)
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
  const child = spawn(process.execPath, [cliFile, ...args], { cwd: dir, env, stdio: 'inherit', signal })
  const [code, killedBy] = await once(child, 'close')
  if (code === expected) return
  throw new Error(
    `\`tenantry ${args.join(' ')}\` ended with ${killedBy ?? `exit code ${code}`} instead of ${expected}.`,
  )
}

/** @param {string} sql */
export function saySql(sql) {
  console.log(`\n${sql.replaceAll(/^/gm, '  ')}`)
}

/**
 * @param {boolean} isTrue
 * @param {string} message what is wrong if not
 */
export function expect(isTrue, message) {
  if (!isTrue) throw new Error(message)
}
