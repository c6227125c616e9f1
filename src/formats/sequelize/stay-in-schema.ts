import { TenantryError } from '../../model/errors.ts'
import type { Sequelize, TableName } from './sequelize-types.ts'

/**
 * Sequelize looks for tables in `public`, or in all schemas at once, where no schema is named in the call; the `schema`
 * option of an instance helps in some places only. These questions are asked about the target's own schema instead.
 * Statements that change something need no help: they name no schema, or that of the option. As of 6.37.
 */
export function stayInSchema(instance: Sequelize, schema: string): void {
  const { queryInterface } = instance
  const generator = queryInterface.queryGenerator
  const own = generator.escape(schema)
  const { tableExistsQuery, showIndexesQuery, showConstraintsQuery, pgEnumDrop } = generator
  const place = (table: TableName) =>
    typeof table === 'string' ? { tableName: table, schema } : { ...table, schema: table.schema ?? schema }

  generator.tableExistsQuery = (table) => tableExistsQuery.call(generator, place(table))
  generator.showIndexesQuery = (table) => showIndexesQuery.call(generator, place(table))
  generator.showConstraintsQuery = (table) => {
    const { tableName, schema: at } = place(table)
    const all = showConstraintsQuery.call(generator, tableName).replace(/;\s*$/, '')
    return `${all} AND table_schema = ${generator.escape(at)};`
  }
  generator.describeTableQuery = (table, at) =>
    describeTable(generator.escape(table), at == null ? own : generator.escape(at))
  generator.getForeignKeysQuery = (table) => {
    const { tableName, schema: at } = place(table)
    return `SELECT conname AS constraint_name, pg_catalog.pg_get_constraintdef(r.oid, true) AS condef FROM pg_catalog.pg_constraint r JOIN pg_catalog.pg_class c ON c.oid = r.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE r.contype = 'f' AND c.relname = ${generator.escape(tableName)} AND n.nspname = ${generator.escape(at)} ORDER BY 1;`
  }
  generator.getForeignKeyReferencesQuery = (table, _catalog, at) =>
    `${foreignKeys} AND tc.table_name = ${generator.escape(table)} AND tc.table_schema = ${at == null ? own : generator.escape(at)}`
  generator.getForeignKeyReferenceQuery = (table, column) => {
    const { tableName, schema: at } = place(table)
    return `${foreignKeys} AND tc.table_name = ${generator.escape(tableName)} AND kcu.column_name = ${generator.escape(column)} AND tc.table_schema = ${generator.escape(at)}`
  }
  // Else a type of that name in a schema further on the search path would be dropped where the target has none.
  generator.pgEnumDrop = (table, attribute, name) =>
    pgEnumDrop.call(
      generator,
      table,
      attribute,
      name === undefined || name.includes('.') ? name : `${generator.quoteIdentifier(schema)}.${name}`,
    )
  queryInterface.dropAllSchemas = () => Promise.reject(wouldDropAll(schema))
}

/** The columns of Sequelize's own query; types, comments and labels of the one table only. */
export function describeTable(table: string, schema: string): string {
  return `SELECT pk.constraint_type AS "Constraint", c.column_name AS "Field", c.column_default AS "Default", c.is_nullable AS "Null", (CASE WHEN c.udt_name = 'hstore' THEN c.udt_name ELSE c.data_type END) || (CASE WHEN c.character_maximum_length IS NOT NULL THEN '(' || c.character_maximum_length || ')' ELSE '' END) AS "Type", (SELECT array_agg(e.enumlabel) FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace JOIN pg_catalog.pg_enum e ON t.oid = e.enumtypid WHERE t.typname = c.udt_name AND tn.nspname = c.udt_schema) AS "special", (SELECT pgd.description FROM pg_catalog.pg_class st JOIN pg_catalog.pg_namespace sn ON sn.oid = st.relnamespace JOIN pg_catalog.pg_description pgd ON pgd.objoid = st.oid AND pgd.classoid = 'pg_catalog.pg_class'::regclass WHERE c.ordinal_position = pgd.objsubid AND c.table_name = st.relname AND c.table_schema = sn.nspname) AS "Comment" FROM information_schema.columns c LEFT JOIN (SELECT tc.table_schema, tc.table_name, cu.column_name, tc.constraint_type FROM information_schema.table_constraints tc JOIN information_schema.key_column_usage cu ON tc.table_schema = cu.table_schema AND tc.table_name = cu.table_name AND tc.constraint_name = cu.constraint_name AND tc.constraint_type = 'PRIMARY KEY') pk ON pk.table_schema = c.table_schema AND pk.table_name = c.table_name AND pk.column_name = c.column_name WHERE c.table_name = ${table} AND c.table_schema = ${schema}`
}

/** The columns of Sequelize's own query; constraints of the same name in other schemas are not mixed in. */
const foreignKeys = `SELECT DISTINCT tc.constraint_name AS constraint_name, tc.constraint_schema AS constraint_schema, tc.constraint_catalog AS constraint_catalog, tc.table_name AS table_name, tc.table_schema AS table_schema, tc.table_catalog AS table_catalog, tc.initially_deferred AS initially_deferred, tc.is_deferrable AS is_deferrable, kcu.column_name AS column_name, ccu.table_schema AS referenced_table_schema, ccu.table_catalog AS referenced_table_catalog, ccu.table_name AS referenced_table_name, ccu.column_name AS referenced_column_name FROM information_schema.table_constraints AS tc JOIN information_schema.key_column_usage AS kcu ON tc.constraint_schema = kcu.constraint_schema AND tc.constraint_name = kcu.constraint_name JOIN information_schema.constraint_column_usage AS ccu ON ccu.constraint_schema = tc.constraint_schema AND ccu.constraint_name = tc.constraint_name WHERE tc.constraint_type = 'FOREIGN KEY'`

function wouldDropAll(schema: string): TenantryError {
  return new TenantryError(
    'MIGRATION_UNSUPPORTED',
    `dropAllSchemas would drop the schemas of all tenants, not only ${schema}.`,
    {
      hint: 'Drop the tables of the migration one by one.',
    },
  )
}
