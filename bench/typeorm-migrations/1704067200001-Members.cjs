const { Table } = require('typeorm')

module.exports = class Members1704067200001 {
  name = 'Members1704067200001'

  async up(queryRunner) {
    await queryRunner.createTable(
      new Table({
        name: 'members',
        columns: [
          { name: 'id', type: 'int', isPrimary: true, isGenerated: true, generationStrategy: 'increment' },
          { name: 'email', type: 'varchar', length: '255', isUnique: true },
          { name: 'name', type: 'varchar', length: '120' },
          { name: 'active', type: 'boolean', default: true },
          { name: 'created_at', type: 'timestamptz', default: 'now()' },
          { name: 'updated_at', type: 'timestamptz', default: 'now()' },
        ],
      }),
    )
  }

  async down(queryRunner) {
    await queryRunner.dropTable('members')
  }
}
