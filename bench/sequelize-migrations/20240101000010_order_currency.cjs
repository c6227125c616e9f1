const { DataTypes } = require('sequelize')

exports.up = async ({ context: queryInterface }) => {
  await queryInterface.addColumn('orders', 'currency', {
    type: DataTypes.ENUM('EUR', 'USD'),
    allowNull: false,
    defaultValue: 'EUR',
  })
  await queryInterface.addIndex('orders', {
    fields: ['currency'],
    where: { status: 'open' },
    name: 'orders_open_currency',
  })
}

exports.down = async ({ context: queryInterface }) => queryInterface.removeColumn('orders', 'currency')
