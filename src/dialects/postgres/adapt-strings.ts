import { bodyLanguage } from './adapt-bodies.ts'
import { type AdaptContext, addEdit, addNotice, insideLiteral, slotIn } from './adapt-context.ts'
import { adaptPathText } from './adapt-search-path.ts'
import { findNameKinds } from './name-kinds.ts'
import { ownsName } from './own-objects.ts'
import { parseSql } from './parse.ts'
import {
  type Literal,
  type ObjectKind,
  openRegion,
  quoteAt,
  type Region,
  type RegionPlace,
  readLiteral,
} from './sql-regions.ts'
import { roleOf } from './string-roles.ts'

/** What a region must mention for there to be anything to do in it. */
export const worthReading = /public|\bu&"|\bexists\b|\bextension\b|\bpg_[a-z]|\binformation_schema\b|\bsearch_path\b/i

/** Adapts string constants: bodies, names of objects, schemas compared with the catalog, SQL that is executed. */
export function adaptStrings(context: AdaptContext, region: Region): void {
  for (let i = 0; i < region.tokens.length; i++) {
    const token = region.tokens[i] as Region['tokens'][number]
    const spelledOut = token.name === 'SCONST'
    if (!spelledOut || !worthReading.test(token.text)) continue
    const language = bodyLanguage(region, i)
    const literal = readLiteral(token)
    if (!literal) {
      noticeUnreadable(context, region, i, language !== null)
      continue
    }
    if (language !== null) adaptBody(context, region, i, literal, language)
    else adaptConstant(context, region, i, literal)
  }
}

function adaptBody(context: AdaptContext, region: Region, i: number, literal: Literal, language: string): void {
  if (language !== 'sql' && language !== 'plpgsql') {
    if (namesOwn(context, literal.value)) {
      note(context, region, i, 'body-not-adapted', `a body in ${language} names schema public; it was left as it is`)
    }
    return
  }
  const outer = context.readsOwnCatalog
  insideLiteral(context, region, i, literal, (place) => {
    const kinds = language === 'sql' ? tryNameKinds(literal.value) : null
    try {
      const body = openRegion(literal.value, { ...place, kind: kinds ? 'sql' : 'plpgsql', kinds })
      context.readsOwnCatalog = movesCatalog(body)
      context.descend(body)
    } catch {
      note(context, region, i, 'body-not-adapted', 'a body could not be read as SQL; it was left as it is')
    }
  })
  context.readsOwnCatalog = outer
}

/** The body reads names from the catalog by a schema literal, which moves: names built from them are the tenant's. */
function movesCatalog(body: Region): boolean {
  return body.tokens.some(
    (token, i) =>
      token.text === "'public'" && /^schema(-identifier)?$/.test(roleOf(body, i).role) && !isArgument(body, i),
  )
}

function isArgument(region: Region, i: number): boolean {
  return region.words[(region.opens[i] ?? 0) - 1] === 'format'
}

function tryNameKinds(text: string): ReturnType<typeof findNameKinds> | null {
  try {
    return findNameKinds(parseSql(text).statements)
  } catch {
    return null
  }
}

function adaptConstant(context: AdaptContext, region: Region, i: number, literal: Literal): void {
  const found = roleOf(region, i)
  switch (found.role) {
    case 'object':
      adaptNameText(context, region, i, literal, found.kind)
      break
    case 'schema':
      adaptSchemaText(context, region, i, literal)
      break
    case 'schema-identifier':
      if (literal.value.trim().toLowerCase() === 'public') {
        replaceConstant(context, region, i, 'identifier')
      }
      break
    case 'path':
      insideLiteral(context, region, i, literal, (place) => {
        adaptPathText(context, openRegion(literal.value, { ...place, kind: 'name', kinds: null }))
      })
      break
    case 'execute':
      adaptExecuted(context, region, i, literal, found.how)
      break
    case 'data':
      noticeLookalike(context, region, i, literal)
  }
}

function adaptNameText(context: AdaptContext, region: Region, i: number, literal: Literal, kind: ObjectKind): void {
  insideLiteral(context, region, i, literal, (place) => {
    try {
      const name = openRegion(literal.value, { ...place, kind: 'name', kinds: null })
      const kinds = new Map([[name.tokens[0]?.start ?? 0, kind]])
      context.descend({ ...name, kinds })
    } catch {
      note(
        context,
        region,
        i,
        'name-in-string',
        'a string that names an object could not be read; it was left as it is',
      )
    }
  })
}

function adaptSchemaText(context: AdaptContext, region: Region, i: number, literal: Literal): void {
  const formatted = isArgument(region, i)
  if (formatted && literal.value === 'public' && !context.readsOwnCatalog && !nextArgumentIsOwn(context, region, i)) {
    note(
      context,
      region,
      i,
      'name-in-string',
      'format() puts a name in schema public together at run time; it was left as it is',
    )
  } else if (literal.value === 'public') {
    replaceConstant(context, region, i, 'name')
  } else if (/\bpublic\b/.test(literal.value)) {
    note(context, region, i, 'schema-in-string', 'a pattern or list that holds the schema public was left as it is')
  }
}

function nextArgumentIsOwn(context: AdaptContext, region: Region, i: number): boolean {
  const next = region.tokens[i + 2]
  const literal = next?.name === 'SCONST' ? readLiteral(next) : null
  return literal !== null && ownsName(context.own, 'any', literal.value)
}

/** Writes the whole constant anew, in plain quotes: no escape and no tag of the old one can meet the name. */
function replaceConstant(context: AdaptContext, region: Region, i: number, as: 'identifier' | 'name'): void {
  const token = region.tokens[i]
  const quote = quoteAt("'", region.quoteDepth)
  if (token) addEdit(context, region, token.start, token.end, [quote, slotIn(region, as, 1), quote], 'schema')
}

function adaptExecuted(
  context: AdaptContext,
  region: Region,
  i: number,
  literal: Literal,
  how: 'whole' | 'piece' | 'template',
): void {
  if (/^"?public"?$/.test(literal.value.trim())) {
    noticeSchemaText(context, region, i)
    return
  }
  insideLiteral(context, region, i, literal, (place) => {
    const kinds = how === 'whole' ? tryNameKinds(literal.value) : null
    const inTemplate = place.inTemplate || how === 'template'
    const fragment = openFragment(literal.value, { ...place, inTemplate, kind: kinds ? 'sql' : 'fragment', kinds })
    if (fragment) context.descend(fragment)
    else if (namesOwn(context, literal.value)) {
      note(
        context,
        region,
        i,
        'name-in-string',
        'SQL that is put together at run time names schema public; it was left as it is',
      )
    }
  })
}

/** Opens text that may stop in the middle of a constant, and in which `%1$I` may stand for a name. */
function openFragment(text: string, place: RegionPlace): Region | null {
  const plain = text.replace(/%\d+\$/g, (mark) => `%${'_'.repeat(mark.length - 1)}`)
  for (const ending of ['', "'", '"']) {
    try {
      const region = openRegion(plain + ending, place)
      if (ending === '') return region
      const kept = region.tokens.length - 1
      return {
        ...region,
        tokens: region.tokens.slice(0, kept),
        ids: region.ids.slice(0, kept),
        words: region.words.slice(0, kept),
      }
    } catch {
      // try it with the quote closed
    }
  }
  return null
}

const ownReference = /(?:^|[^\w$".])(?:public|"public")\s*\.\s*(?:"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*))/giu

function namesOwn(context: AdaptContext, text: string): boolean {
  for (const [, quoted, bare] of text.matchAll(ownReference)) {
    if (ownsName(context.own, 'any', quoted?.replaceAll('""', '"') ?? bare?.toLowerCase() ?? '')) return true
  }
  return false
}

function noticeLookalike(context: AdaptContext, region: Region, i: number, literal: Literal): void {
  const first = region.words[region.segments[i] ?? 0]
  if (literal.value === 'public' && isAssigned(region, i)) {
    noticeSchemaText(context, region, i)
    return
  }
  if (first === 'comment' || region.words[i - 1] === 'is' || isRaised(region, i)) return
  if (!namesOwn(context, literal.value)) return
  note(
    context,
    region,
    i,
    'name-in-string',
    "a string looks like the name of a tenant's object in schema public; it is data and was left as it is",
  )
}

/** `schema_name text := 'public'`: what becomes of it cannot be seen. */
function isAssigned(region: Region, i: number): boolean {
  if (region.kind !== 'plpgsql') return false
  if (region.words[i - 1] === ':=') return true
  const declared = region.words.indexOf('begin')
  return region.words[i - 1] === 'default' && i < declared
}

function noticeSchemaText(context: AdaptContext, region: Region, i: number): void {
  note(
    context,
    region,
    i,
    'schema-in-string',
    "the name 'public' is used in SQL that is put together at run time; it was left as it is",
  )
}

function isRaised(region: Region, i: number): boolean {
  for (let k = i - 1; k >= Math.max(region.segments[i] ?? 0, i - 8); k--) if (region.words[k] === 'raise') return true
  return false
}

function noticeUnreadable(context: AdaptContext, region: Region, i: number, body: boolean): void {
  const { text } = region.tokens[i] as Region['tokens'][number]
  if (!/\bpublic\b/i.test(text)) return
  if (body || namesOwn(context, text)) {
    note(
      context,
      region,
      i,
      'name-in-string',
      'a string with backslash escapes, or one written in pieces, names schema public; it was left as it is',
    )
  }
}

function note(context: AdaptContext, region: Region, i: number, rule: string, message: string): void {
  const offset = region.fileOffset(region.tokens[i]?.start ?? 0)
  addNotice(
    context,
    'notices',
    offset,
    rule,
    message,
    "write names without a schema: they are then found in the tenant's schema",
  )
}
