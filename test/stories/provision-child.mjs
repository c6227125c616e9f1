// @ts-nocheck: it is run as it is.
// Does one thing in a process of its own, and stops or kills itself at an event. Says how it ended on its last line.
const [entry, text] = process.argv.slice(2)
const { cwd, call, options, at, signal } = JSON.parse(text ?? '{}')
const { openTenantry } = await import(entry)

let left = at?.times ?? 1
const isIt = (event) =>
  event.type === at.type && Object.entries(at.where ?? {}).every(([key, value]) => event[key] === value)
const emit = (event) => {
  if (at === null || at === undefined || left <= 0 || !isIt(event)) return
  left--
  if (left > 0) return
  if (signal === 'SIGSTOP') console.log('paused')
  process.kill(process.pid, signal)
}
const tenantry = await openTenantry({ cwd, emit })
try {
  const report = await tenantry[call](options ?? {})
  console.log(JSON.stringify({ report }))
} catch (error) {
  console.log(JSON.stringify({ error: { code: error.code ?? null, message: error.message } }))
} finally {
  await tenantry.close()
}
