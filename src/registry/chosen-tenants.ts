import type { TenantFilter, TenantRecord, TenantStore } from '../model/registry.ts'

/** A store that is chosen when it is first asked: which one it is can only be seen in the database. */
export function chooseLater(choose: () => Promise<TenantStore>): TenantStore {
  let chosen: Promise<TenantStore> | null = null
  const store = (): Promise<TenantStore> => {
    chosen ??= choose()
    chosen.catch(() => {
      chosen = null
    })
    return chosen
  }
  return {
    async *list(filter?: TenantFilter): AsyncIterable<TenantRecord> {
      yield* (await store()).list(filter)
    },
    page: async (...given) => (await store()).page(...given),
    find: async (...given) => (await store()).find(...given),
    leftOut: async (tenant) => (await (await store()).leftOut?.(tenant)) ?? [],
    add: async (...given) => (await store()).add(...given),
    change: async (...given) => (await store()).change(...given),
    remove: async (...given) => (await store()).remove(...given),
    readCredentials: async (...given) => (await store()).readCredentials(...given),
    pageCredentials: async (...given) => (await store()).pageCredentials(...given),
    writeCredentials: async (...given) => (await store()).writeCredentials(...given),
    audit: async (...given) => (await store()).audit(...given),
  }
}
