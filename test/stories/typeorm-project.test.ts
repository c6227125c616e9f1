/** A project as people have it with TypeORM: TypeScript, entities with decorators, and a data source that says it all. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { createSchemas, makeProject, type Project, resultOf, schemaTenants } from './project.ts'

const files = {
  'package.json': '{ "name": "shop" }',
  'tsconfig.json': `{
  // As \`typeorm init\` writes it.
  "compilerOptions": { "target": "es2021", "module": "commonjs", "emitDecoratorMetadata": true, "experimentalDecorators": true, "strictPropertyInitialization": false },
}`,
  'src/data-source.ts': `import 'reflect-metadata'
import { DataSource } from 'typeorm'
import { Author } from './entity/author'

export const AppDataSource = new DataSource({
  type: 'postgres',
  url: 'postgres://nobody:secret-value@127.0.0.1:1/nowhere',
  entities: [Author, __dirname + '/entity/**/*{.ts,.js}'],
  migrations: ['src/changes/*.{ts,js}'],
  migrationsTableName: 'changes',
  schema: 'public',
})
// As applications do it.
AppDataSource.initialize().then((source) => source.name)
`,
  'src/entity/author.ts': `import { Column, CreateDateColumn, Entity, OneToMany, PrimaryGeneratedColumn } from 'typeorm'
import { Book } from './book'

@Entity({ name: 'authors' })
export class Author {
  @PrimaryGeneratedColumn()
  id!: number

  @Column()
  name: string

  @Column({ type: 'simple-json', nullable: true })
  more?: { country: string }

  @OneToMany(() => Book, (book) => book.author)
  books: Book[]

  @CreateDateColumn({ name: 'created_at' })
  createdAt: Date
}
`,
  'src/entity/book.ts': `import { Column, Entity, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from 'typeorm'
import { Author } from './author'

export enum Kind { Novel = 'novel', Poem = 'poem' }

@Entity({ name: 'books' })
export class Book {
  @PrimaryGeneratedColumn('uuid') id: string
  @Column() title: string
  @Column({ type: 'enum', enum: Kind, default: Kind.Novel }) kind: Kind = Kind.Novel
  @ManyToOne(() => Author, (author) => author.books) @JoinColumn({ name: 'author_id' }) author: Author
}
`,
  'src/entity/titles.ts': `import { ViewColumn, ViewEntity } from 'typeorm'

@ViewEntity({ name: 'titles', expression: 'SELECT title FROM books' })
export class Titles {
  @ViewColumn() title: string
}
`,
  'src/changes/1700000000000-Tables.ts': `import { MigrationInterface, QueryRunner } from 'typeorm'

export class Tables1700000000000 implements MigrationInterface {
  name = 'Tables1700000000000'

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(\`CREATE TABLE "authors" ("id" SERIAL NOT NULL, "name" character varying NOT NULL, "more" text, "created_at" TIMESTAMP NOT NULL DEFAULT now(), CONSTRAINT "PK_authors" PRIMARY KEY ("id"))\`)
    await queryRunner.query(\`CREATE TYPE "books_kind_enum" AS ENUM('novel', 'poem')\`)
    await queryRunner.query(\`CREATE TABLE "books" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "title" character varying NOT NULL, "kind" "books_kind_enum" NOT NULL DEFAULT 'novel', "author_id" integer REFERENCES "authors"("id"), CONSTRAINT "PK_books" PRIMARY KEY ("id"))\`)
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable('books')
    await queryRunner.query('DROP TYPE "books_kind_enum"')
    await queryRunner.dropTable('authors')
  }
}
`,
  'src/changes/1700000000001-Fill.ts': `import { MigrationInterface, QueryRunner, TableColumn, View } from 'typeorm'
import { Author } from '../entity/author'
import { Book, Kind } from '../entity/book'
import { Titles } from '../entity/titles'

export class Fill1700000000001 implements MigrationInterface {
  public async up(queryRunner: QueryRunner): Promise<void> {
    const author = new Author()
    author.name = 'Emily'
    author.more = { country: 'US' }
    await queryRunner.manager.save(author)
    const book = queryRunner.manager.create(Book, { title: 'Poems', kind: Kind.Poem, author })
    await queryRunner.manager.getRepository(Book).save(book)
    const table = await queryRunner.getTable('books')
    if (table?.columns.find((one) => one.name === 'kind')?.enum?.length !== 2) throw new Error('no enum')
    await queryRunner.addColumn('books', new TableColumn({ name: 'state', type: 'enum', enum: ['in', 'out'], default: "'in'" }))
    await queryRunner.changeColumn('books', 'state', new TableColumn({ name: 'state', type: 'enum', enum: ['in', 'out', 'lost'], default: "'in'" }))
    const found = await queryRunner.manager.find(Author, { relations: { books: true } })
    if (found[0].books[0].title !== 'Poems' || !(found[0].createdAt instanceof Date)) throw new Error(JSON.stringify(found))
    await queryRunner.createView(new View({ name: 'titles', expression: 'SELECT title FROM books' }), true)
    const [titles] = await queryRunner.manager.find(Titles)
    if (titles.title !== 'Poems') throw new Error('no view')
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropView('titles')
    await queryRunner.dropColumn('books', 'state')
    await queryRunner.manager.delete(Book, { title: 'Poems' })
    await queryRunner.manager.delete(Author, { name: 'Emily' })
  }
}
`,
}

let database: TestDatabase
let project: Project
beforeEach(async () => {
  database = await freshDatabase('typeorm_project')
  project = makeProject()
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
  project.write(files)
})
afterEach(async () => {
  project?.remove()
  await database?.drop()
})

test('folder, table, entities and compiler options come from the project; each schema has its own types and rows', async () => {
  await database.query(createSchemas(2))
  project.configure({
    migrations: { dataSource: './src/data-source.ts' },
    servers: { main: { url: database.url } },
    tenants: schemaTenants(2, database.name),
  })
  const report = await project.up()
  expect(report.targets.map(({ error }) => error)).toEqual([null, null])
  expect(resultOf(report, 't1').applied).toEqual(['Tables1700000000000', 'Fill1700000000001'])
  for (const schema of ['t_1', 't_2']) {
    expect(await database.query(`SELECT name, timestamp FROM ${schema}.changes ORDER BY id`)).toMatchObject([
      { name: 'Tables1700000000000' },
      { name: 'Fill1700000000001' },
    ])
    expect(await database.query(`SELECT title, kind, state FROM ${schema}.books`)).toEqual([
      { title: 'Poems', kind: 'poem', state: 'in' },
    ])
    // TypeORM's own table of views, which it makes for entities that are some.
    expect(await database.query(`SELECT type, schema, name FROM ${schema}.typeorm_metadata`)).toEqual([
      { type: 'VIEW', schema, name: 'titles' },
    ])
  }
  const types = await database.query(
    `SELECT n.nspname || '.' || t.typname AS type FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE typtype = 'e' ORDER BY 1`,
  )
  expect(types.map(({ type }) => type)).toEqual([
    't_1.books_kind_enum',
    't_1.books_state_enum',
    't_2.books_kind_enum',
    't_2.books_state_enum',
  ])
  const down = await project.use((tenantry) => tenantry.down({ steps: 2, unproven: true, allowDataLoss: true }))
  expect(down.targets.map(({ error }) => error)).toEqual([null, null])
  expect(await database.query(`SELECT tablename FROM pg_tables WHERE schemaname = 't_2' ORDER BY 1`)).toEqual([
    { tablename: 'changes' },
    { tablename: 'tenantry_ledger' },
    { tablename: 'typeorm_metadata' },
  ])
  // A new one is written beside the others, as TypeORM's own command does.
  const made = await project.use((tenantry) => tenantry.make('add-reviews'))
  expect(JSON.stringify(made)).toMatch(/src\/changes\/\d{13}-add-reviews\.ts/)
})

test('an entity that cannot be imported is named with its line, and what runs nothing does not ask for it', async () => {
  await database.query(createSchemas(1))
  project.configure({
    migrations: { dataSource: './src/data-source.ts' },
    servers: { main: { url: database.url } },
    tenants: schemaTenants(1, database.name),
  })
  project.write({ 'src/entity/odd.ts': 'export class Odd {\n  throw new Error\n}\n' })
  const { error } = resultOf(await project.up(), 't1')
  expect(error).toMatchObject({
    code: 'MIGRATION_UNSUPPORTED',
    message: expect.stringMatching(/src\/entity\/odd\.ts.*at line 2/),
  })
  const status = await project.use((tenantry) => tenantry.status())
  expect(JSON.stringify(status)).not.toContain('secret-value')
})
