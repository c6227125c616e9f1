import { comparePictures } from '../engine/compare-pictures.ts'
import type { Difference, ObjectKind, PictureObject, SchemaPicture } from '../model/picture.ts'

/** What of a reference a target lacks and may get, and why the rest is left alone. */
export interface MissingObjects {
  make: PictureObject[]
  /** By {@link keyOf}. */
  reasons: Map<string, string>
}

export const keyOf = ({ kind, name }: Pick<PictureObject, 'kind' | 'name'>) => `${kind} ${name}`

/** Kinds that share one namespace: where one of them is, no other can be made under its name. */
const relations: ReadonlySet<ObjectKind> = new Set([
  'table',
  'view',
  'materialized-view',
  'sequence',
  'index',
  'composite',
])

/**
 * What may be made without changing anything that is there. Left alone: columns that need a value for rows that are
 * there; what is there under another name, or as something else; and what names any of these.
 *
 * @param hasRows of tables that are there
 */
export function chooseMissing(
  reference: SchemaPicture,
  seen: SchemaPicture,
  hasRows: ReadonlySet<string>,
): MissingObjects {
  const there = new Set(seen.objects.map(keyOf))
  const wanted = new Set(reference.objects.map(keyOf))
  const occupied = new Map(seen.objects.flatMap((one) => (relations.has(one.kind) ? [[one.name, one.kind]] : [])))
  const twins = new Map(
    seen.objects
      .filter((one) => likenessKinds.has(one.kind) && !wanted.has(keyOf(one)))
      .map((one) => [likeness(one), one]),
  )
  const make: PictureObject[] = []
  const reasons = new Map<string, string>()
  const refused: PictureObject[] = []
  const missing = reference.objects.filter((object) => !there.has(keyOf(object)))
  for (const object of missing) {
    const reason = refuse(object)
    if (reason === null) make.push(object)
    else {
      reasons.set(keyOf(object), reason)
      refused.push(object)
    }
  }
  // What is refused takes along what is made of it, and so on.
  for (let blocker = refused.shift(); blocker !== undefined; blocker = refused.shift()) {
    for (const object of make.filter((one) => needs(one, blocker as PictureObject))) {
      make.splice(make.indexOf(object), 1)
      reasons.set(keyOf(object), `it needs ${keyOf(blocker)}, which is not made`)
      refused.push(object)
    }
  }
  return { make, reasons }

  function refuse(object: PictureObject): string | null {
    const { kind, name, of } = object
    const other = occupied.get(name) as ObjectKind | undefined
    if (relations.has(kind) && other !== undefined) return `there is a ${other} of that name`
    if (kind === 'column' && of !== null && hasRows.has(of) && needsValue(object))
      return `it is NOT NULL without a default, and ${of} has rows`
    const twin = likenessKinds.has(kind) ? twins.get(likeness(object)) : undefined
    return twin === undefined ? null : `${twin.name} is the same under another name`
  }
}

/** Kinds of which a second one like the first, under another name, would only cost. */
const likenessKinds: ReadonlySet<ObjectKind> = new Set([
  'primary-key',
  'unique',
  'foreign-key',
  'check',
  'exclusion',
  'index',
])

/** Equal for objects that differ in their name alone. */
function likeness({ kind, of, properties }: PictureObject): string {
  return JSON.stringify([kind, of, Object.entries(properties).sort()])
}

function needsValue({ properties }: PictureObject): boolean {
  const { nullable = 'yes', default: fallback, identity, generated, counter } = properties
  return nullable !== 'yes' && [fallback, identity, generated, counter].every((value) => value === undefined)
}

/** Is this one made of the other? By the words of its description: rather once too often. */
function needs(object: PictureObject, other: PictureObject): boolean {
  if (object.of === other.name) return true
  const text = [object.name, ...Object.values(object.properties)].join('\n').toLowerCase()
  if (other.of === null) return mentions(text, other.name)
  if (other.kind !== 'column') return false
  const column = other.name.slice(other.of.length + 1)
  return mentions(text, column) && (object.of === other.of || mentions(text, other.of))
}

/** Is the name a word of the text, quoted or not? Of a function: without its arguments. */
function mentions(text: string, name: string): boolean {
  const bare = name.replace(/\(.*$/s, '').toLowerCase()
  return [bare, bare.replaceAll('"', '""'), bare.replaceAll('`', '``')].some((spelled) => {
    for (let at = text.indexOf(spelled); at !== -1; at = text.indexOf(spelled, at + 1)) {
      const around = [text[at - 1] ?? ' ', text[at + spelled.length] ?? ' ']
      if (around.every((character) => !/[\p{L}\p{N}_$]/u.test(character))) return true
    }
    return false
  })
}

/** Tables that are there and lack a column that would need a value for their rows. */
export function tablesToLookInto(reference: SchemaPicture, seen: SchemaPicture): string[] {
  const there = new Set(seen.objects.map(keyOf))
  const tables = reference.objects.flatMap((object) =>
    object.kind === 'column' &&
    object.of !== null &&
    needsValue(object) &&
    !there.has(keyOf(object)) &&
    there.has(`table ${object.of}`)
      ? [object.of]
      : [],
  )
  return [...new Set(tables)]
}

/** What differs once these are made, each with the reason why it was left. */
export function whatIsLeft(
  reference: SchemaPicture,
  seen: SchemaPicture,
  made: readonly PictureObject[],
  reasons: ReadonlyMap<string, string>,
): Difference[] {
  const after: SchemaPicture = { hash: '', objects: [...seen.objects, ...made] }
  return comparePictures(reference, after).map((difference) => {
    const reason = reasons.get(`${difference.kind} ${difference.object}`)
    return reason === undefined ? difference : { ...difference, detail: `${difference.detail} (left: ${reason})` }
  })
}
