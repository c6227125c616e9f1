exports.up = (pgm) => {
  pgm.addColumn('orders', { note: 'text' })
  pgm.createIndex('orders', 'state')
  pgm.renameColumn('invoices', 'due', 'due_on')
}
