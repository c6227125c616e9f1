import type { MappedTenants } from '../config/resolved.ts'
import type { TableColumn } from '../model/registry-words.ts'
import type { ServerAddress } from '../model/server.ts'
import { OwnTenantStore } from './own-tenants.ts'
import type { StoreContext } from './store-context.ts'

export interface MappedContext extends StoreContext {
  mapped: MappedTenants
  server: ServerAddress
  columns(schema: string | null, table: string): Promise<TableColumn[]>
}

export class MappedTenantStore extends OwnTenantStore {
  constructor(context: MappedContext) {
    super(context)
  }
}
