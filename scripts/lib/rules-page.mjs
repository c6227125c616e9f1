/** @typedef {import('../../src/checks/lint/rule.ts').Rule} Rule */
/** @typedef {import('../../src/checks/lint/rule.ts').RuleExample} RuleExample */
/** @typedef {import('../../src/checks/lint/rule.ts').ExampleStep} ExampleStep */

/**
 * `docs/rules.md`: every rule of `lint`, from the table that the linter itself uses.
 *
 * @param {readonly Rule[]} rules
 */
export function describeRules(rules) {
  const list = rules.map(({ id, severity, title }) => `| [\`${id}\`](#${id}) | ${severity} | ${title} |`)
  return `${[
    '# Rules of lint',
    '',
    'Written by `scripts/generate-docs.mjs` from the rules themselves. What `tenantry lint` does, and how a finding is waived, is in [lint.md](lint.md).',
    '',
    'The severity is the usual one: a finding is milder where less is known. A lock is the strongest one that the statement takes on the table named, as `pg_locks` shows it; "while" says how long it is needed. A test runs every example on a real server and compares. The statements of good examples that stand apart are migrations of their own.',
    '',
    '| rule | severity | finds |',
    '|---|---|---|',
    ...list,
    '',
    ...rules.flatMap(describeRule),
  ]
    .join('\n')
    .trimEnd()}\n`
}

/** @param {Rule} rule */
function describeRule({ id, title, severity, why, instead, examples, both }) {
  return [
    `## ${id}`,
    '',
    `${title}. (${severity}${both ? '; undo files, too' : ''})`,
    '',
    `**Why:** ${why}`,
    '',
    `**Instead:** ${instead}`,
    '',
    ...examples.flatMap(describeExample),
  ]
}

/** @type {Record<string, string>} */
const dialects = { postgres: 'PostgreSQL', mysql: 'MySQL, MariaDB', sqlite: 'SQLite' }

/** @param {RuleExample} example */
function describeExample({ dialect, setup, bad, good, settings, outside }) {
  const asked = Object.entries(settings ?? {}).map(([name, value]) => conditions[name]?.(value) ?? name)
  const there = [setup, ...(outside === undefined ? [] : [`-- made by somebody else:\n${outside}`])].join('\n')
  return [
    `${dialects[dialect]}${asked.length === 0 ? '' : `, where ${asked.join(' and ')}`}, with this in place:`,
    '',
    fence(there),
    '',
    `Bad:`,
    '',
    ...bad.flatMap(describeStep),
    `Good:`,
    '',
    ...good.flatMap(describeStep),
  ]
}

/** @type {Record<string, (value: unknown) => string>} */
const conditions = {
  schemaTargets: () => 'tenants live in schemas',
  sharedColumn: (column) => `tenants share tables (\`${column}\`)`,
  pgVersion: (version) => `the oldest server is PostgreSQL ${version}`,
}

const works = {
  moment: 'for a moment',
  scan: 'while every row is read',
  build: 'while the index is built',
  rewrite: 'while the table is written again',
}

/** @param {ExampleStep} step */
function describeStep({ sql, lock, name, undo }) {
  const facts = [
    ...(name === undefined ? [] : [`named \`${name}\``]),
    ...(undo === null ? ['without an undo'] : typeof undo === 'string' ? [`with the undo \`${undo}\``] : []),
    ...(lock === undefined ? [] : [`${lock.mode} on \`${lock.table}\` ${works[lock.work]}`]),
  ]
  return [fence(sql), '', ...(facts.length === 0 ? [] : [`(${facts.join('; ')})`, ''])]
}

/** @param {string} sql */
const fence = (sql) => `\`\`\`sql\n${sql}\n\`\`\``
