/** Formats that this version can run, as they are written in a config. */
export const formatNames = ['sql', 'prisma', 'knex', 'sequelize', 'dbmate'] as const

/** Kinds of history tables, as they are written in a config. */
export const historyKinds = ['schema_migrations', 'prisma', 'knex', 'sequelize', 'dbmate'] as const
