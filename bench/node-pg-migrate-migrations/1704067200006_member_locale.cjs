exports.up = (pgm) => {
  pgm.addColumn('members', { locale: 'varchar(10)' }, { ifNotExists: true })
  pgm.sql(`UPDATE members SET locale = 'en'`)
  pgm.alterColumn('members', 'locale', { notNull: true })
}

exports.down = (pgm) => pgm.dropColumn('members', 'locale')
