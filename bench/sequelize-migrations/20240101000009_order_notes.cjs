const { DataTypes } = require('sequelize')

exports.up = async ({ context: queryInterface }) => {
  await queryInterface.addColumn('orders', 'note', { type: DataTypes.TEXT })
  await queryInterface.changeColumn('order_items', 'sku', { type: DataTypes.STRING(60), allowNull: false })
  await queryInterface.addConstraint('order_items', {
    fields: ['order_id', 'sku'],
    type: 'unique',
    name: 'order_items_once',
  })
}

exports.down = async ({ context: queryInterface }) => {
  await queryInterface.removeConstraint('order_items', 'order_items_once')
  await queryInterface.removeColumn('orders', 'note')
}
