const { TableColumn } = require('typeorm')

module.exports = class MemberLocale1704067200006 {
  name = 'MemberLocale1704067200006'

  async up(queryRunner) {
    if (!(await queryRunner.hasColumn('members', 'locale'))) {
      const locale = new TableColumn({ name: 'locale', type: 'varchar', length: '10', isNullable: true })
      await queryRunner.addColumn('members', locale)
    }
    await queryRunner.query(`UPDATE members SET locale = 'en'`)
    await queryRunner.query('ALTER TABLE members ALTER COLUMN locale SET NOT NULL')
  }

  async down(queryRunner) {
    await queryRunner.dropColumn('members', 'locale')
  }
}
