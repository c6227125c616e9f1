// Preloaded into a process whose peak memory is measured; `maxRSS` is in kilobytes on every system.
import { writeFileSync } from 'node:fs'

process.on('exit', () => writeFileSync(process.env.BENCH_MEMORY_FILE, String(process.resourceUsage().maxRSS)))
