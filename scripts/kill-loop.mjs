/**
 * Kills a thousand runs (or as many as the first argument says) at random moments, on a server of its own, and checks
 * after each 50 that nothing was lost and nothing was applied twice. Ends with exit code 1 if something was.
 */
import process from 'node:process'
import { killLoop } from './lib/kill-loop.mjs'
import { startPostgres } from './lib/postgres.mjs'

const killsPerFleet = 50
const wanted = Number(process.argv[2] ?? 1000)
if (!Number.isInteger(wanted) || wanted < 1) {
  console.error('Usage: node scripts/kill-loop.mjs [kills]')
  process.exit(2)
}

const server = await startPostgres({ settings: { max_connections: '200' } })
try {
  for (let done = 0; done < wanted; done += killsPerFleet) {
    const database = `fleet_${done}`
    await server.query(`CREATE DATABASE ${database}`)
    const { kills, migrations, wrong } = await killLoop({
      url: server.url(database),
      database,
      query: (sql) => server.query(sql, database),
      kills: Math.min(killsPerFleet, wanted - done),
    })
    for (const line of wrong) console.error(line)
    if (wrong.length > 0) process.exitCode = 1
    console.log(`${done + kills} runs killed; ${migrations} migrations in 100 schemas: ${wrong.length} wrong`)
    await server.query(`DROP DATABASE ${database}`)
  }
} finally {
  await server.stop()
}
