import {
  type Difference,
  type ObjectKind,
  objectKinds,
  ownSchema,
  type PictureObject,
  type SchemaPicture,
} from '../model/picture.ts'

/**
 * What makes `other` different from `reference`, sorted by kind and name: `missing` is in the reference only, `extra` in the
 * other only. What belongs to an object that is missing or extra as a whole is not named beside it.
 */
export function comparePictures(reference: SchemaPicture, other: SchemaPicture): Difference[] {
  if (reference.hash === other.hash) return []
  const expected = indexObjects(reference.objects)
  const found = indexObjects(other.objects)
  const missing = reference.objects.filter((object) => !found.has(keyOf(object)))
  const extra = other.objects.filter((object) => !expected.has(keyOf(object)))
  const differences = [...describeWhole('missing', missing, found), ...describeWhole('extra', extra, expected)]
  for (const [key, object] of expected) {
    const twin = found.get(key)
    const detail = twin === undefined ? '' : compareProperties(object, twin)
    if (detail !== '') differences.push({ change: 'changed', kind: object.kind, object: object.name, detail })
  }
  return differences.sort(byKindAndName)
}

const keyOf = ({ kind, name }: PictureObject) => `${kind} ${name}`

function indexObjects(objects: readonly PictureObject[]): Map<string, PictureObject> {
  return new Map(objects.map((object) => [keyOf(object), object]))
}

/** Kinds that other objects belong to; a name alone would not tell a column from a constraint of the same name. */
const owners: ReadonlySet<ObjectKind> = new Set(objectKinds.filter((kind) => kind !== 'grant' && kind !== 'comment'))

function describeWhole(
  change: 'missing' | 'extra',
  objects: readonly PictureObject[],
  there: ReadonlyMap<string, PictureObject>,
): Difference[] {
  // A table that became a view is there under another kind: what belonged to it is still worth a line of its own.
  const stillThere = new Set([...there.values()].filter(({ kind }) => owners.has(kind)).map(({ name }) => name))
  const gone = new Set(
    objects.filter(({ kind, name }) => owners.has(kind) && !stillThere.has(name)).map(({ name }) => name),
  )
  return objects
    .filter(({ of }) => of === null || !gone.has(of))
    .map((object) => ({ change, kind: object.kind, object: object.name, detail: summarize(object, objects) }))
}

function summarize({ kind, name, properties }: PictureObject, objects: readonly PictureObject[]): string {
  if (kind === 'table') {
    const columns = objects.filter((object) => object.kind === 'column' && object.of === name)
    return cut(`columns ${columns.map((column) => column.name.slice(name.length + 1)).join(', ') || 'none'}`, 0)
  }
  const telling = Object.entries(properties).filter(([, value]) => !['', 'no'].includes(value))
  const [first] = telling
  if (first !== undefined && ['definition', 'labels', 'text'].includes(first[0])) return show(first[1])
  return telling.map(([name, value]) => `${name} ${show(value)}`).join(', ')
}

function compareProperties(reference: PictureObject, other: PictureObject): string {
  const names = new Set([...Object.keys(reference.properties), ...Object.keys(other.properties)])
  const changes = [...names].sort().flatMap((name) => {
    const before = reference.properties[name]
    const after = other.properties[name]
    return before === after ? [] : [`${name}: ${showChange(before, after)}`]
  })
  return changes.join('; ')
}

const longest = 120

function showChange(before: string | undefined, after: string | undefined): string {
  if (before === undefined || after === undefined) return `${showOrNone(before)} → ${showOrNone(after)}`
  if (readable(before).length <= longest && readable(after).length <= longest) return `${show(before)} → ${show(after)}`
  // Of long texts, the place where they part.
  const [a, b] = [readable(before), readable(after)]
  let start = 0
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start++
  const from = Math.max(0, start - 30)
  return `${cut(a, from)} → ${cut(b, from)}`
}

const showOrNone = (value: string | undefined) => (value === undefined ? 'none' : show(value))
const show = (value: string) => cut(readable(value), 0)

/** On one line, without the stand-in for the schema. */
function readable(value: string): string {
  return value.replaceAll(`${ownSchema}.`, '').replaceAll(ownSchema, 'own schema').replaceAll(/\s+/g, ' ').trim()
}

function cut(text: string, from: number): string {
  const part = text.slice(from, from + longest)
  return `${from > 0 ? '…' : ''}${part}${from + longest < text.length ? '…' : ''}`
}

function byKindAndName(a: Difference, b: Difference): number {
  return compareText(a.kind, b.kind) || compareText(a.object, b.object) || compareText(a.change, b.change)
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
