const { Table } = require('typeorm')

module.exports = class Invoices1704067200005 {
  name = 'Invoices1704067200005'

  async up(queryRunner) {
    await queryRunner.createTable(
      new Table({
        name: 'invoices',
        columns: [
          { name: 'id', type: 'int', isPrimary: true, isGenerated: true, generationStrategy: 'increment' },
          { name: 'order_id', type: 'bigint', isNullable: true },
          { name: 'number', type: 'varchar', length: '20', isUnique: true },
          { name: 'lines', type: 'jsonb', isNullable: true },
          { name: 'due', type: 'date', isNullable: true },
        ],
        foreignKeys: [{ columnNames: ['order_id'], referencedTableName: 'orders', referencedColumnNames: ['id'] }],
      }),
    )
    await queryRunner.query(`CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE state = 'open'`)
  }

  async down(queryRunner) {
    await queryRunner.query('DROP VIEW open_orders')
    await queryRunner.dropTable('invoices')
  }
}
