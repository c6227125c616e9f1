import type { OwnObjects } from './own-objects.ts'

/** A catalog relation that shows every schema's objects, and how to see only one schema's. */
export interface CatalogRelation {
  /** Columns that hold a name, and the kinds of object whose names those are. */
  names: Readonly<Record<string, readonly (keyof OwnObjects)[]>>
  /** `oid`: the column is a namespace's oid. `name`: its name. `parent`: the oid of an object in such a catalog. */
  by:
    | { is: 'oid'; column: string }
    | { is: 'name'; column: string }
    | { is: 'parent'; column: string; catalog: string; namespace: string }
  /** Without a name it lists everything there is. */
  lists: boolean
}

const ofClass = (column: string): CatalogRelation['by'] => ({
  is: 'parent',
  column,
  catalog: 'pg_class',
  namespace: 'relnamespace',
})

function catalog(names: CatalogRelation['names'], by: CatalogRelation['by'] | string, lists = false): CatalogRelation {
  return {
    names,
    by: typeof by === 'string' ? { is: by.endsWith('namespace') ? 'oid' : 'name', column: by } : by,
    lists,
  }
}

const relations = ['relations'] as const
const constraints = ['constraints'] as const

/** Under `pg_catalog`, found without a schema too. */
export const systemCatalogs: ReadonlyMap<string, CatalogRelation> = new Map(
  Object.entries({
    pg_constraint: catalog({ conname: constraints }, 'connamespace'),
    pg_class: catalog({ relname: relations }, 'relnamespace'),
    pg_type: catalog({ typname: ['types', 'relations'] }, 'typnamespace'),
    pg_proc: catalog({ proname: ['routines'] }, 'pronamespace'),
    pg_operator: catalog({ oprname: ['operators'] }, 'oprnamespace'),
    pg_collation: catalog({ collname: ['others'] }, 'collnamespace'),
    pg_statistic_ext: catalog({ stxname: ['others'] }, 'stxnamespace'),
    pg_policy: catalog({ polname: ['policies'] }, ofClass('polrelid')),
    pg_trigger: catalog({ tgname: ['triggers'] }, ofClass('tgrelid')),
    pg_rewrite: catalog({ rulename: ['rules'] }, ofClass('ev_class')),
    pg_attribute: catalog({ attname: ['columns'] }, ofClass('attrelid')),
    pg_enum: catalog(
      { enumlabel: ['enumLabels'] },
      { is: 'parent', column: 'enumtypid', catalog: 'pg_type', namespace: 'typnamespace' },
    ),
    pg_tables: catalog({ tablename: relations }, 'schemaname', true),
    pg_views: catalog({ viewname: relations }, 'schemaname', true),
    pg_matviews: catalog({ matviewname: relations }, 'schemaname', true),
    pg_indexes: catalog({ indexname: relations, tablename: relations }, 'schemaname', true),
    pg_sequences: catalog({ sequencename: relations }, 'schemaname', true),
    pg_policies: catalog({ policyname: ['policies'], tablename: relations }, 'schemaname', true),
    pg_rules: catalog({ rulename: ['rules'], tablename: relations }, 'schemaname', true),
    pg_stats: catalog({ tablename: relations }, 'schemaname', true),
    pg_stat_user_tables: catalog({ relname: relations }, 'schemaname', true),
    pg_stat_all_tables: catalog({ relname: relations }, 'schemaname', true),
    pg_stat_user_indexes: catalog({ indexrelname: relations, relname: relations }, 'schemaname', true),
  }),
)

export const informationSchema: ReadonlyMap<string, CatalogRelation> = new Map(
  Object.entries({
    tables: catalog({ table_name: relations }, 'table_schema', true),
    columns: catalog({ table_name: relations, column_name: ['columns'] }, 'table_schema', true),
    views: catalog({ table_name: relations }, 'table_schema', true),
    sequences: catalog({ sequence_name: relations }, 'sequence_schema', true),
    routines: catalog({ routine_name: ['routines'] }, 'routine_schema', true),
    triggers: catalog({ trigger_name: ['triggers'], event_object_table: relations }, 'trigger_schema', true),
    domains: catalog({ domain_name: ['types'] }, 'domain_schema', true),
    user_defined_types: catalog({ user_defined_type_name: ['types'] }, 'user_defined_type_schema', true),
    table_constraints: catalog({ constraint_name: constraints, table_name: relations }, 'constraint_schema', true),
    check_constraints: catalog({ constraint_name: constraints }, 'constraint_schema', true),
    referential_constraints: catalog({ constraint_name: constraints }, 'constraint_schema', true),
    key_column_usage: catalog(
      { constraint_name: constraints, table_name: relations, column_name: ['columns'] },
      'constraint_schema',
      true,
    ),
    constraint_column_usage: catalog(
      { constraint_name: constraints, table_name: relations, column_name: ['columns'] },
      'constraint_schema',
      true,
    ),
    constraint_table_usage: catalog({ constraint_name: constraints, table_name: relations }, 'constraint_schema', true),
  }),
)
