import type { MappedTenants } from '../../src/config/resolved.ts'

/** A team's own table of tenants: how it was made, and how it is mapped. */
export interface TeamTable {
  create: readonly string[]
  mapped: MappedTenants
}

/** Sequelize's registry: shared tenants have a database each, `dedicated` rows are somebody else's business. */
export const sequelizeTenants = (types: { uuid: string; time: string }): TeamTable => ({
  create: [
    `CREATE TABLE tenants (
      id ${types.uuid} NOT NULL PRIMARY KEY,
      slug varchar(100) NOT NULL UNIQUE,
      company_name varchar(255),
      mode varchar(20) NOT NULL DEFAULT 'shared',
      status varchar(20) NOT NULL DEFAULT 'active',
      db_host varchar(255), db_port integer, db_name varchar(100), db_user varchar(100), db_password_encrypted text,
      plan varchar(20),
      created_at ${types.time} NOT NULL, updated_at ${types.time} NOT NULL)`,
  ],
  mapped: {
    table: 'tenants',
    schema: null,
    columns: {
      id: 'id',
      slug: 'slug',
      name: 'company_name',
      topology: 'mode',
      state: 'status',
      host: 'db_host',
      port: 'db_port',
      database: 'db_name',
      user: 'db_user',
      password: 'db_password_encrypted',
      createdAt: 'created_at',
      updatedAt: 'updated_at',
    },
    labels: { plan: 'plan' },
    values: {
      topology: { shared: 'database', dedicated: null },
      state: { active: 'active', suspended: 'suspended', deleted: null, archived: 'archived' },
    },
    defaults: { topology: 'database', server: null, dialect: null },
    password: 'auto',
  },
})

/** Prisma's: camelCase, words in capitals, no default for what its client fills in. */
export const prismaTenants = (quote: (name: string) => string, types: { time: string }): TeamTable => ({
  create: [
    `CREATE TABLE ${quote('Tenant')} (
      ${quote('id')} varchar(191) NOT NULL PRIMARY KEY,
      ${quote('slug')} varchar(191) NOT NULL,
      ${quote('name')} varchar(191),
      ${quote('status')} varchar(20) NOT NULL DEFAULT 'PENDING',
      ${quote('dbHost')} varchar(191) NOT NULL,
      ${quote('dbPort')} integer NOT NULL DEFAULT 3306,
      ${quote('dbName')} varchar(191) NOT NULL,
      ${quote('dbUser')} varchar(191) NOT NULL,
      ${quote('dbPasswordEncrypted')} text NOT NULL,
      ${quote('createdAt')} ${types.time} NOT NULL,
      ${quote('updatedAt')} ${types.time} NOT NULL)`,
  ],
  mapped: {
    table: 'Tenant',
    schema: null,
    columns: {
      id: 'id',
      slug: 'slug',
      name: 'name',
      state: 'status',
      host: 'dbHost',
      port: 'dbPort',
      database: 'dbName',
      user: 'dbUser',
      password: 'dbPasswordEncrypted',
      createdAt: 'createdAt',
      updatedAt: 'updatedAt',
    },
    labels: {},
    values: { topology: {}, state: { ACTIVE: 'active', SUSPENDED: 'suspended', PENDING: 'provisioning' } },
    defaults: { topology: 'database', server: null, dialect: null },
    password: 'auto',
  },
})

/** A bare one: ids that count up, and next to nothing else. */
export const bareTenants = (counter: string): TeamTable => ({
  create: [`CREATE TABLE customers (no ${counter}, handle varchar(100) NOT NULL, db varchar(100))`],
  mapped: {
    table: 'customers',
    schema: null,
    columns: { id: 'no', slug: 'handle', database: 'db' },
    labels: {},
    values: { topology: {}, state: {} },
    defaults: { topology: 'database', server: 'main', dialect: null },
    password: 'auto',
  },
})
