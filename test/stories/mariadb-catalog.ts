/** Everything that is in a database of MariaDB, as the server itself writes it. */

interface Asks {
  raw(sql: string): PromiseLike<unknown>
}

type Row = Record<string, unknown>

/** Our own table is left out. */
export async function catalogOf(asks: Asks): Promise<Record<string, string[]>> {
  const ask = async (sql: string) => ((await asks.raw(sql)) as [Row[]])[0]
  const catalog: Record<string, string[]> = { tables: [], triggers: [], routines: [], indexes: [] }
  for (const row of await ask('SHOW FULL TABLES')) {
    const [name] = Object.values(row)
    if (name === 'tenantry_ledger') continue
    const [shown = {}] = await ask(`SHOW CREATE TABLE \`${name}\``)
    const text = String(shown['Create Table'] ?? shown['Create View'])
    // The counter tells how often something was tried, not what is there.
    catalog.tables?.push(text.replace(/ AUTO_INCREMENT=\d+/, '').replace(/ DEFINER=\S+/, ''))
  }
  for (const { Trigger } of await ask('SHOW TRIGGERS')) {
    const [shown = {}] = await ask(`SHOW CREATE TRIGGER \`${Trigger}\``)
    catalog.triggers?.push(String(shown['SQL Original Statement']).replace(/ DEFINER=\S+/, ''))
  }
  const routines = await ask(
    'SELECT routine_name, routine_type, routine_definition FROM information_schema.routines WHERE routine_schema = database() ORDER BY 1',
  )
  catalog.routines = routines.map((row) => JSON.stringify(row))
  return catalog
}
