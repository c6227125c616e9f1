import { ownSchema } from '../../model/picture.ts'
import { quoteIdentifier } from './quote.ts'

/**
 * How a schema's own name is taken out of definitions, in the server. Definitions are read with nothing on the search
 * path, so that every name outside of `pg_catalog` is qualified, whatever else a schema holds.
 *
 * In what the server writes (`SQL`), strings and quoted names are read as wholes: a name is the schema's only before a dot
 * and the name of something that is in the schema, which tells it from an alias of the same name; in strings, only where
 * they are cast to `regclass` and the like.
 *
 * In bodies of functions (`body`), which are as somebody wrote them, the same holds everywhere, in strings and comments, too; besides,
 * the name is the schema's own after `search_path` and where a catalog's column is compared with it
 * (`table_schema = 't_1'`). Not seen: an unquoted name in other letters than its own (`T_1.users`), and names put together
 * from parts. Not told apart: in a body, a column called like an object of the schema behind an alias called like the schema.
 */
export interface OwnPatterns {
  /** A part of the name as it must be in any text that names it: cheap to look for first. */
  needle: string
  sql: string
  qualified: string
  /** Is it an alias of a table, too? */
  alias: string
  body: string
  path: string
  lookup: string
  setting: string
  header: string
}

const escapeRegex = (text: string) => text.replaceAll(/[[\]\\.^$*+?(){}|]/g, '\\$&')
const identifier = String.raw`"(?:[^"]|"")*"|[[:alpha:]_][\w$]*`

/** Regular expressions of the server's kind. */
export function ownPatterns(name: string): OwnPatterns {
  const quoted = quoteIdentifier(name)
  const bare = /^[a-z_][a-z0-9_]*$/.test(name) ? [`\\m${name}\\M`] : []
  const spelled = (...more: string[]) => `(?:${[...more, quoted].map(escapeRegex).concat(bare).join('|')})`
  const literal = escapeRegex(name.replaceAll("'", "''"))
  const own = spelled()
  // As it is within a string, and within a string that is a template.
  const inBody = spelled(
    ...new Set(
      [quoted.replaceAll("'", "''"), quoted.replaceAll('%', '%%').replaceAll("'", "''")].filter(
        (text) => text !== quoted,
      ),
    ),
  )
  return {
    needle: name.match(/[A-Za-z0-9_]+/g)?.sort((a, b) => b.length - a.length)[0] ?? '',
    sql: String.raw`('(?:[^']|'')*'(?:::text\)?)?(?:::reg[a-z]+)?)|(${own}\.)(${identifier})(\(?)|("(?:[^"]|"")*")|(OPERATOR\(${own}\.)`,
    alias: /^(new|old|excluded)$/.test(name) ? '' : String.raw`[\s.]${own}(?![.\w"])`,
    qualified: String.raw`${spelled(quoted.replaceAll("'", "''").replaceAll('\\', '\\\\'))}\.`,
    body: String.raw`(${inBody}\s*\.\s*)(${identifier})`,
    path: String.raw`(search_path(?:\s*=\s*|\s+TO\s+|'\s*,\s*'))${inBody}`,
    lookup: String.raw`((?:nspname|schemaname|\w+_schema)(?:::\w+)?\s*(?:=|<>|!=)\s*)(?:'${literal}'|\(pg_catalog\.parse_ident\('${inBody}'\)\)\[1\])`,
    setting: `^(search_path=(?:.*, )?)${own}(?=$|,)`,
    header: `(SET search_path TO (?:.*, )?)'${literal}'`,
  }
}

/** SQL constant: stands for the schema. */
export const own = `E'\\x${ownSchema.charCodeAt(0).toString(16).padStart(2, '0')}'`

/** SQL: is this the name of something in the schema? As it is spelled in a definition. */
function isOwnObject(spelled: string): string {
  const name = `CASE WHEN left(${spelled}, 1) = '"' THEN replace(substr(${spelled}, 2, length(${spelled}) - 2), '""', '"') ELSE lower(${spelled}) END::name`
  const found = [
    ['pg_class', 'relname', 'relnamespace'],
    ['pg_proc', 'proname', 'pronamespace'],
    ['pg_type', 'typname', 'typnamespace'],
    ['pg_collation', 'collname', 'collnamespace'],
    ['pg_ts_config', 'cfgname', 'cfgnamespace'],
  ].map(
    ([table, column, namespace]) =>
      `EXISTS (SELECT FROM ${table} WHERE ${column} = ${name} AND ${namespace} = w.own_oid)`,
  )
  return `(${found.join(' OR ')})`
}

/** Puts matches (one row of captures each) back between the pieces that a pattern splits a text into. */
function rebuild(text: string, pattern: string, match: string): string {
  return `(SELECT string_agg(s.piece || coalesce(${match}, ''), '' ORDER BY s.o)
    FROM regexp_split_to_table(${text}, ${pattern}) WITH ORDINALITY s(piece, o)
    LEFT JOIN regexp_matches(${text}, ${pattern}, 'g') WITH ORDINALITY m(m, o) ON m.o = s.o)`
}

/** SQL: a text of the server's own writing, with {@link own} for the schema of the row `w`. `strings`: as they are put into statements. */
export function ownSql(text: string, strings: 'read' | 'made' = 'read'): string {
  const names = `regexp_replace(m.m[1], w.qualified, ${own} || '.', 'g')`
  // In a dollar quote any quoted name may take its place.
  const made = String.raw`regexp_replace(replace(${names}, '''''', ''''), '^''(.*)''(?=::)', '$own$\1$own$')`
  // Where a table has the schema's name as its alias, a column may be called like an object: there only what cannot be a column is the schema's.
  const isOwn = String.raw`${isOwnObject('m.m[3]')} AND (m.m[4] = '(' OR ${text} !~ '\m(?:FROM|JOIN|UPDATE|INTO|ON)\M' OR ${text} !~ w.alias OR s.piece ~ '(?:::|\m(?:FROM|JOIN|INTO|UPDATE|ONLY|TO|REFERENCES)\s+\(*|\mON\s+)$')`
  // Most defaults that name the schema are a value of an enum.
  const cast = `'''::' || w.dot`
  return `CASE WHEN strpos(${text}, w.needle) = 0 THEN ${text}
    WHEN strpos(${text}, '''''') = 0 AND strpos(replace(${text}, ${cast}, ''), w.needle) = 0 THEN replace(${text}, ${cast}, '''::' || ${own} || '.')
    ELSE ${rebuild(
      text,
      'w.sql',
      `CASE WHEN m.m[2] IS NOT NULL THEN CASE WHEN ${isOwn} THEN ${own} || '.' ELSE m.m[2] END || m.m[3] || m.m[4]
      WHEN m.m[6] IS NOT NULL THEN 'OPERATOR(' || ${own} || '.'
      WHEN m.m[1] ~ '::reg[a-z]+$' AND m.m[1] ~ w.qualified THEN ${strings === 'made' ? made : names}
      ELSE coalesce(m.m[1], m.m[5]) END`,
    )} END`
}

/** SQL: a body as somebody wrote it, with {@link own} for the schema of the row `w`. */
export function ownBody(text: string, strings: 'read' | 'made' = 'read'): string {
  const names = rebuild(
    text,
    'w.body',
    `CASE WHEN ${isOwnObject('m.m[2]')} THEN ${own} || '.' || m.m[2] ELSE m.m[1] || m.m[2] END`,
  )
  const literal = strings === 'made' ? `(pg_catalog.parse_ident(''' || ${own} || '''))[1]` : `''' || ${own} || '''`
  return `CASE WHEN strpos(${text}, w.needle) = 0 THEN ${text} ELSE
    regexp_replace(regexp_replace(${names}, w.path, '\\1' || ${own}, 'gi'), w.lookup, '\\1${literal}', 'gi') END`
}
