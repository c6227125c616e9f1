/**
 * The number that TypeORM orders by: the last 13 characters of a class's name. null: it refuses such a name. Source:
 * `MigrationExecutor.getMigrations`.
 */
export function timestampOf(name: string): number | null {
  const timestamp = Number.parseInt(name.slice(-13), 10)
  return Number.isNaN(timestamp) || timestamp === 0 ? null : timestamp
}
