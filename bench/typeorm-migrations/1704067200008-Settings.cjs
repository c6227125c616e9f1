const { Table } = require('typeorm')

module.exports = class Settings1704067200008 {
  name = 'Settings1704067200008'

  async up(queryRunner) {
    await queryRunner.createTable(
      new Table({
        name: 'settings',
        columns: [
          { name: 'key', type: 'varchar', length: '60', isPrimary: true },
          { name: 'value', type: 'text', isNullable: true },
        ],
      }),
    )
    await queryRunner.query(
      `INSERT INTO settings (key, value) VALUES ('currency', 'EUR'), ('timezone', 'UTC'), ('theme', 'plain')`,
    )
  }

  async down(queryRunner) {
    await queryRunner.dropTable('settings')
  }
}
