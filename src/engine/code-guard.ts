/** Runs code of a migration. */
export function guardCode<T>(run: () => Promise<T>, _onStray: (error: unknown) => void): Promise<T> {
  return run()
}
