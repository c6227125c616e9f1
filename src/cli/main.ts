#!/usr/bin/env node
import { readVersion } from '../engine/package-version.ts'

const [only, ...others] = process.argv.slice(2)
if (others.length === 0 && (only === '--version' || only === '-V')) {
  // Answered before anything else is loaded: that is most of the time a start takes.
  process.stdout.write(`${readVersion()}\n`)
} else {
  const { runProcess } = await import('./process.ts')
  await runProcess()
}
