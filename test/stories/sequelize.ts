/** A project that migrates with sequelize-cli or umzug, as teams have it. */
import { spawn } from 'node:child_process'
import { cpSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeProject, type Project } from './project.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cli = join(root, 'node_modules/sequelize-cli/lib/sequelize')

/** The packages are those of this repository. */
export function makeSequelizeProject(fixture: string | null = 'sequelize-shop'): Project {
  const project = makeProject()
  symlinkSync(join(root, 'node_modules'), join(project.dir, 'node_modules'))
  project.write({ 'package.json': '{ "name": "shop", "private": true }\n' })
  if (fixture !== null) cpSync(join(root, 'test/fixtures', fixture), project.dir, { recursive: true })
  return project
}

export interface Native {
  code: number | null
  output: string
}

/** Runs sequelize-cli in the project; never rejects. */
export function sequelizeCli(dir: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Native> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [cli, ...args], { cwd: dir, env: { PATH: process.env.PATH, ...env } })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk
      })
    }
    child.on('close', (code) => resolve({ code, output }))
  })
}

/** What a migration of `status` is: `up` or `down`, by file name. */
export function readStatus({ output }: Native): Record<string, string> {
  const rows = [...output.matchAll(/^(up|down) (\S+)$/gm)].map(([, state, name]) => [name as string, state as string])
  return Object.fromEntries(rows)
}

interface Umzug {
  up(options?: object): Promise<{ name: string }[]>
  down(options?: object): Promise<{ name: string }[]>
  pending(): Promise<{ name: string }[]>
  executed(): Promise<{ name: string }[]>
}

/** umzug over a folder of a project, with the context that its documentation proposes. */
export function makeUmzug(
  dir: string,
  url: string,
  options: object = {},
): { umzug: Umzug; close: () => Promise<void> } {
  const require = createRequire(join(dir, 'package.json'))
  const { Sequelize } = require('sequelize')
  const { Umzug, SequelizeStorage } = require('umzug')
  const sequelize = new Sequelize(url, { logging: false, ...options })
  const umzug = new Umzug({
    migrations: { glob: ['migrations/*.{js,cjs,mjs}', { cwd: dir }] },
    context: sequelize.getQueryInterface(),
    storage: new SequelizeStorage({ sequelize, ...(options as { schema?: string }) }),
    logger: undefined,
  })
  return { umzug, close: () => sequelize.close() }
}
