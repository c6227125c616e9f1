const { Table, TableIndex } = require('typeorm')

module.exports = class OrderItems1704067200003 {
  name = 'OrderItems1704067200003'

  async up(queryRunner) {
    await queryRunner.createTable(
      new Table({
        name: 'order_items',
        columns: [
          { name: 'id', type: 'bigint', isPrimary: true, isGenerated: true, generationStrategy: 'increment' },
          { name: 'order_id', type: 'bigint' },
          { name: 'sku', type: 'varchar', length: '40' },
          { name: 'quantity', type: 'int', default: 1 },
        ],
        foreignKeys: [
          {
            columnNames: ['order_id'],
            referencedTableName: 'orders',
            referencedColumnNames: ['id'],
            onDelete: 'CASCADE',
          },
        ],
        uniques: [{ columnNames: ['order_id', 'sku'] }],
      }),
    )
    await queryRunner.createIndex('order_items', new TableIndex({ columnNames: ['sku'] }))
  }

  async down(queryRunner) {
    await queryRunner.dropTable('order_items')
  }
}
