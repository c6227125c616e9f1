const { TableColumn, TableIndex } = require('typeorm')

module.exports = class OrderNotes1704067200009 {
  name = 'OrderNotes1704067200009'

  async up(queryRunner) {
    await queryRunner.addColumn('orders', new TableColumn({ name: 'note', type: 'text', isNullable: true }))
    await queryRunner.createIndex('orders', new TableIndex({ name: 'orders_state', columnNames: ['state'] }))
    await queryRunner.renameColumn('invoices', 'due', 'due_on')
  }

  async down(queryRunner) {
    await queryRunner.renameColumn('invoices', 'due_on', 'due')
    await queryRunner.dropColumn('orders', 'note')
  }
}
