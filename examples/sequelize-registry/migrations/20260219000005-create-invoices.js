'use strict'

module.exports = {
  up: async (queryInterface, Sequelize) => {
    await queryInterface.createTable('invoices', {
      id: { type: Sequelize.INTEGER, primaryKey: true, autoIncrement: true },
      order_id: { type: Sequelize.INTEGER, allowNull: false, references: { model: 'orders', key: 'id' } },
      number: { type: Sequelize.STRING, allowNull: false, unique: true },
      tax: { type: Sequelize.STRING(8), allowNull: false, references: { model: 'tax_rates', key: 'code' } },
      total: { type: Sequelize.DECIMAL(12, 2), allowNull: false },
      created_at: { type: Sequelize.DATE, allowNull: false, defaultValue: Sequelize.fn('now') },
    })
  },

  down: async (queryInterface) => queryInterface.dropTable('invoices'),
}
