/** Everything that is in a schema, as the catalog describes it. */

interface Asks {
  raw(sql: string): PromiseLike<{ rows: Record<string, unknown>[] }>
}

/** Each question gives rows of a few columns of text. `$schema` is the schema as a literal. */
const questions: Record<string, string> = {
  relations: `SELECT relname, relkind, obj_description(oid, 'pg_class') AS comment FROM pg_class
    WHERE relnamespace = $schema::regnamespace AND relkind IN ('r','v','m','S','p','c') ORDER BY 1`,
  columns: `SELECT attrelid::regclass::text AS of, attnum, attname, format_type(atttypid, atttypmod) AS type, attnotnull,
      attidentity, attgenerated, pg_get_expr(adbin, adrelid) AS default, col_description(attrelid, attnum) AS comment
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = $schema::regnamespace AND relkind IN ('r','v','m','p') AND attnum > 0 AND NOT attisdropped
    ORDER BY 1, 2`,
  indexes: `SELECT pg_get_indexdef(indexrelid) AS def, indisvalid, indisprimary FROM pg_index
    JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace = $schema::regnamespace ORDER BY 1`,
  constraints: `SELECT conrelid::regclass::text AS of, conname, pg_get_constraintdef(oid) AS def, convalidated FROM pg_constraint
    WHERE connamespace = $schema::regnamespace AND contype <> 'n' ORDER BY 1, 2`,
  types: `SELECT typname, typtype, (SELECT array_agg(enumlabel::text ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = pg_type.oid) AS labels
    FROM pg_type WHERE typnamespace = $schema::regnamespace AND typtype IN ('e','d') ORDER BY 1`,
  sequences: `SELECT sequencename, data_type::text, start_value, increment_by, max_value, cycle FROM pg_sequences
    WHERE quote_ident(schemaname) = $schema ORDER BY 1`,
  views: `SELECT viewname, definition FROM pg_views WHERE quote_ident(schemaname) = $schema ORDER BY 1`,
  triggers: `SELECT pg_get_triggerdef(pg_trigger.oid) AS def FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE relnamespace = $schema::regnamespace AND NOT tgisinternal ORDER BY 1`,
  functions: `SELECT pg_get_functiondef(oid) AS def FROM pg_proc WHERE pronamespace = $schema::regnamespace AND prokind = 'f' ORDER BY 1`,
  owned: `SELECT deptype, classid::regclass::text AS of, pg_describe_object(classid, objid, objsubid) AS what,
      pg_describe_object(refclassid, refobjid, refobjsubid) AS on_what FROM pg_depend
    WHERE classid = 'pg_class'::regclass AND deptype IN ('a', 'i')
      AND objid IN (SELECT oid FROM pg_class WHERE relnamespace = $schema::regnamespace AND relkind = 'S') ORDER BY 3`,
}

/** Our own table is left out, and the schema's name is written `#`, so that two schemas can be compared. */
export async function catalogOf(asks: Asks, schema = 'public'): Promise<Record<string, string[]>> {
  const catalog: Record<string, string[]> = {}
  for (const [name, sql] of Object.entries(questions)) {
    const { rows } = await asks.raw(sql.replaceAll('$schema', `'${schema}'`))
    catalog[name] = rows
      .map((row) => JSON.stringify(row).replaceAll(new RegExp(`\\b${schema}\\b`, 'g'), '#'))
      .filter((text) => !text.includes('tenantry_ledger'))
  }
  return catalog
}
