/** tenantry's command line, for the scripts beside this one. */
const { spawn } = require('node:child_process')
const path = require('node:path')

const root = path.join(__dirname, '..')

/**
 * Runs one command, with its output and its exit code.
 *
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
exports.runTenantry = (args, env = process.env) => {
  const child = spawn(path.join(root, 'node_modules/.bin/tenantry'), args, { cwd: root, env, stdio: 'inherit' })
  // Ctrl-C reaches both; what is sent to this process only is handed on. Either way it ends when the other one has.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('error', (error) => {
    console.error(`tenantry could not be started (${error.message}); is everything installed? npm install`)
    process.exitCode = 1
  })
  child.on('exit', (code) => {
    process.exitCode = code ?? 1
  })
}
