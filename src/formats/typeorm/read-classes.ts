import { timestampOf } from './migration-name.ts'

/** A migration's class as its file has it. */
export interface FoundClass {
  /** What TypeORM calls the migration: the `name` that its instances have, else the class's own. */
  name: string
  /** Where it begins in the file. */
  start: number
}

/**
 * The migrations in a file by its text, in their order, so that a file need not be imported to know its rows. null: the
 * text does not tell for sure (names that are worked out, classes made by functions, things passed on from elsewhere),
 * so that the file must be imported.
 */
export function readClasses(text: string): FoundClass[] | null {
  const code = blankComments(text)
  const marks = blankTexts(code)
  if (passesOn.test(marks)) return null
  const heads = [...marks.matchAll(classHead)]
  const found: FoundClass[] = []
  const classes = new Set<string>()
  for (const [index, head] of heads.entries()) {
    const [whole, name = ''] = head
    if (!isExported(marks, whole, name)) continue
    if (/\babstract\b/.test(whole)) return null
    const end = heads[index + 1]?.index ?? code.length
    const given = nameWithin(code.slice(head.index, end), marks.slice(head.index, end))
    const known = given === undefined ? name : given
    if (known === null || timestampOf(known) === null) return null
    classes.add(name)
    found.push({ name: known, start: head.index })
  }
  return found.length === 0 || exportsOthers(marks, classes) ? null : found
}

const classHead =
  /(?:\bexport\s+(?:default\s+)?|\bmodule\.exports\s*=\s*|\bexports\.[\w$]+\s*=\s*)?(?:\babstract\s+)?\bclass\s+([A-Za-z_$][\w$]*)(?=[\s{<])/g

/** `export * from`, `export … from`, `module.exports = require(…)`, and what other exports a function may have made. */
const passesOn =
  /\bexport\s*(?:\*|\{[^}]*\}\s*from\b)|\bmodule\.exports\s*=\s*(?:require\b|[\w$.]+\()|\bexport\s+(?:const|let|var|function|async)\b|\bexport\s+default\s+(?!(?:abstract\s+)?class\b|[A-Za-z_$][\w$]*\s*;?\s*$)/m

function isExported(marks: string, head: string, name: string): boolean {
  if (/\bexport|exports/.test(head)) return true
  const own = name.replaceAll('$', '\\$')
  return (
    new RegExp(`\\bexport\\s*\\{[^}]*\\b${own}\\b[^}]*\\}`).test(marks) ||
    new RegExp(`\\bexport\\s+default\\s+${own}\\b`).test(marks) ||
    new RegExp(`\\bexports(?:\\.[\\w$]+)?\\s*=\\s*(?:[\\w$.]+\\s*=\\s*)*(?:\\{[^}]*)?\\b${own}\\b`).test(marks)
  )
}

/** The `name` of its instances; undefined: they have none, null: it is worked out. */
function nameWithin(code: string, marks: string): string | null | undefined {
  const at = /(?<!\b(?:const|let|var)\s+)(?:(?<![\w$.])|\bthis\.)name\s*(?::\s*[\w\s|'"]+?)?=(?![=>])\s*/g
  for (const match of marks.matchAll(at)) {
    const literal = /^(?:(['"])([\w$-]+)\1|`([\w$-]+)`)/.exec(code.slice(match.index + match[0].length))
    return literal === null ? null : (literal[2] ?? literal[3] ?? null)
  }
  return /\b(?:get|static)\s+name\b/.test(marks) ? null : undefined
}

/** Exports that are none of the classes: TypeORM takes every exported function for a migration. */
function exportsOthers(marks: string, classes: ReadonlySet<string>): boolean {
  const named = [...marks.matchAll(/(?<!\bmodule\.)\bexports\.([\w$]+)\s*=/g)].map((match) => match[1] ?? '')
  return named.some((name) => name !== 'default' && name !== '__esModule' && !classes.has(name))
}

/** Spaces for comments; every place stays where it is. */
export function blankComments(text: string): string {
  return blank(text, (kind) => kind === 'comment')
}

/** Spaces for what stands between quotes, too. */
function blankTexts(code: string): string {
  return blank(code, () => true)
}

function blank(source: string, drop: (kind: 'comment' | 'text') => boolean): string {
  const pattern =
    /(?<comment>\/\*[\s\S]*?(?:\*\/|$)|\/\/[^\n]*)|(?<text>'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`)/g
  return source.replaceAll(pattern, (whole: string, ...rest: unknown[]) => {
    const groups = rest.at(-1) as { comment?: string }
    if (!drop(groups.comment === undefined ? 'text' : 'comment')) return whole
    if (groups.comment !== undefined) return whole.replaceAll(/[^\n]/g, ' ')
    return whole.charAt(0) + whole.slice(1, -1).replaceAll(/[^\n]/g, ' ') + whole.charAt(0)
  })
}
