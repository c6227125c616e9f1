/** The manifests of `deploy/`, held against the schemas of who reads them. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const deploy = join(root, 'deploy')
const home = process.env.TENANTRY_TEST_MANIFESTS ?? join(root, 'test/manifests')
const packages = join(home, 'node_modules')
const isThere = existsSync(join(packages, 'kubernetes-models'))
if (!isThere && process.env.CI) throw new Error('The linters of manifests are missing: npm ci in test/manifests.')

/** Runs a linter that is a script of a package. */
const lint = (name: string, args: string[]) =>
  run(process.execPath, [join(packages, name), ...args]).then(
    ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      text: error.stdout + error.stderr,
    }),
  )

/** What Helm would make of the template: its values are plain. */
function renderHelm(values: Record<string, unknown>): string {
  return readFileSync(join(deploy, 'helm/templates/migrate.yaml'), 'utf8').replace(
    /\{\{ \.(Release\.Name|Values\.(\w+))( \| quote)? \}\}/g,
    (_, path: string, key: string, quote: string | undefined) => {
      const value = path === 'Release.Name' ? 'app' : values[key]
      if (value === undefined) throw new Error(`values.yaml has no ${key}`)
      return quote === undefined ? String(value) : JSON.stringify(value)
    },
  )
}

const values = parse(readFileSync(join(deploy, 'helm/values.yaml'), 'utf8'))
const kubernetes = [
  ...readdirSync(join(deploy, 'kubernetes')).map((name) => [
    name,
    readFileSync(join(deploy, 'kubernetes', name), 'utf8'),
  ]),
  ['helm', renderHelm({ ...values, shards: 4, allowFailures: '1%' })],
] as [string, string][]

describe.skipIf(!isThere)('manifests', () => {
  let dir: string
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'tenantry-manifests-'))
    symlinkSync(packages, join(dir, 'node_modules'))
    writeFileSync(join(dir, 'package.json'), '{"type":"module"}')
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  /** Complaints of the compiler: unknown keys and wrong types, which validation alone lets pass. */
  function typeCheck(name: string, kind: string, manifest: unknown): string[] {
    const file = join(dir, `${name}.ts`)
    writeFileSync(
      file,
      `import type { I${kind} } from 'kubernetes-models/batch/v1'\nexport const manifest: I${kind} = ${JSON.stringify(manifest)}\n`,
    )
    const program = ts.createProgram([file], {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
    })
    return ts
      .getPreEmitDiagnostics(program)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
  }

  test.each(kubernetes)(
    '%s is one that Kubernetes takes',
    async (name, text) => {
      const manifest = parse(text)
      const kinds = await import(pathToFileURL(join(packages, 'kubernetes-models/batch/v1/index.js')).href)
      new kinds[manifest.kind](manifest).validate()
      expect(typeCheck(name, manifest.kind, manifest)).toEqual([])
      expect(typeCheck(`${name}-wrong`, manifest.kind, { ...manifest, spek: {} })).not.toEqual([])
      expect(() => new kinds[manifest.kind]({ ...manifest, spec: { completions: 'four' } }).validate()).toThrow()
    },
    60_000,
  )

  test.each(kubernetes)('%s takes every key from a secret, and runs as nobody special', (_name, text) => {
    const { spec } = parse(text)
    const pod = (spec.jobTemplate?.spec ?? spec).template.spec
    expect(pod.securityContext.runAsNonRoot).toBe(true)
    for (const { env } of pod.containers) {
      for (const { name, value, valueFrom } of env) {
        if (/KEY|URL/.test(name)) expect(valueFrom.secretKeyRef.key, name).toBeTruthy()
        else expect(value).toBeTruthy()
      }
    }
  })

  test('docker-compose.yml', async () => {
    const { code, text } = await lint('dclint/bin/dclint.cjs', [join(deploy, 'docker-compose.yml')])
    expect(code, text).toBe(0)
  })

  test('the workflow of GitHub Actions', async () => {
    const script = join(packages, '.bin/action-validator')
    const good = await run(script, [join(deploy, 'github/migrate.yml')]).then(
      () => 0,
      (error) => error,
    )
    expect(good).toBe(0)
    const wrong = join(dir, 'wrong.yml')
    writeFileSync(wrong, readFileSync(join(deploy, 'github/migrate.yml'), 'utf8').replace('runs-on:', 'run-on:'))
    await expect(run(script, [wrong])).rejects.toThrow()
  })
})

test('the shards of an indexed job are all parts of the fleet', () => {
  const job = parse(kubernetes.find(([name]) => name === 'job.yaml')?.[1] ?? '')
  const command: string = job.spec.template.spec.containers[0].args[0]
  expect(job.spec.completionMode).toBe('Indexed')
  expect(command).toContain(`"$((JOB_COMPLETION_INDEX + 1))/${job.spec.completions}"`)
})

test('the image runs as somebody else than root, and keeps its build out', () => {
  const text = readFileSync(join(deploy, 'Dockerfile'), 'utf8')
  const last = text.slice(text.lastIndexOf('FROM '))
  expect(last).toMatch(/^USER node$/m)
  expect(last).toMatch(/^ENTRYPOINT \["\.\/node_modules\/tenantry\/deploy\/docker-entrypoint\.sh"\]$/m)
  expect(text).toMatch(/npm ci --omit=dev/)
})
