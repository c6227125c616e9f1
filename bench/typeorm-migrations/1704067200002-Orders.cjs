const { Table } = require('typeorm')

module.exports = class Orders1704067200002 {
  name = 'Orders1704067200002'

  async up(queryRunner) {
    await queryRunner.createTable(
      new Table({
        name: 'orders',
        columns: [
          { name: 'id', type: 'bigint', isPrimary: true, isGenerated: true, generationStrategy: 'increment' },
          { name: 'member_id', type: 'int' },
          { name: 'state', type: 'enum', enum: ['open', 'paid', 'sent'], enumName: 'order_state' },
          { name: 'total', type: 'numeric', precision: 12, scale: 2, default: 0 },
          { name: 'placed_at', type: 'timestamptz', default: 'now()' },
        ],
        foreignKeys: [
          {
            columnNames: ['member_id'],
            referencedTableName: 'members',
            referencedColumnNames: ['id'],
            onDelete: 'CASCADE',
          },
        ],
        indices: [{ columnNames: ['member_id', 'placed_at'] }],
      }),
    )
  }

  async down(queryRunner) {
    await queryRunner.dropTable('orders')
  }
}
